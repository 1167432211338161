// Makes JavaScript of TypeScript without checking types: by the TypeScript compiler if there is one, else by Node's own
// removal of types. Ends with status 97 if there is neither. Arguments: input file, output file.
'use strict';
const fs = require('fs');
const path = require('path');
const nodeModule = require('module');

const MISSING = 97, INVALID = 1;
const [, , input, output] = process.argv;

function compiler() {
    const places = [];
    for (const folder of (process.env.PATH || '').split(path.delimiter)) {
        try {
            places.push(path.resolve(path.dirname(fs.realpathSync(path.join(folder, 'tsc'))), '..'));
        } catch {
            continue;
        }
    }
    for (const name of [...places, 'typescript', '/usr/share/nodejs/typescript', '/usr/lib/node_modules/typescript']) {
        try {
            return require(name);
        } catch {
            continue;
        }
    }
    return null;
}

function transpile(source) {
    const ts = compiler();
    if (ts) {
        const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2020, esModuleInterop: true };
        const made = ts.transpileModule(source, { compilerOptions, reportDiagnostics: true, fileName: 'main.ts' });
        const faults = made.diagnostics.filter((one) => one.category === ts.DiagnosticCategory.Error);
        if (faults.length) throw new Error(faults.map((one) => ts.flattenDiagnosticMessageText(one.messageText, '\n')).join('\n'));
        return made.outputText;
    }
    if (nodeModule.stripTypeScriptTypes) return nodeModule.stripTypeScriptTypes(source, { mode: 'transform' });
    process.stderr.write('no TypeScript compiler, and this Node cannot remove types\n');
    return process.exit(MISSING);
}

try {
    fs.writeFileSync(output, transpile(fs.readFileSync(input, 'utf8')));
} catch (error) {
    process.stderr.write(`${error && error.message}\n`);
    process.exit(INVALID);
}
