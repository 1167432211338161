// Loads a program, makes the calls that descriptor 3 asks for, and tells what they returned (the call protocol of
// sandbox/box/frames.py). All that is used of the language's own objects is taken before the program loads: what the
// program does to prototypes, `toJSON` or `process` changes nothing of how its values are told.
'use strict';
const fs = require('fs');
const { types } = require('util');
const { pathToFileURL } = require('url');

const [, , programFile, mode, entryPoint] = process.argv;
const CALLS = 3, MAX_DEPTH = 100, MAX_NODES = 4e6, MAX_CHARS = 32 * 1024 * 1024;
const plain = mode === 'plain'; // expected values are JSON: what JSON cannot say is told as what JSON makes of it
const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const { isArray } = Array, { parse, stringify } = JSON, { isInteger, isSafeInteger } = Number;
const { is, getPrototypeOf, getOwnPropertySymbols, keys, defineProperty, prototype: objectPrototype } = Object;
const { apply, construct, getOwnPropertyDescriptor } = Reflect;
const { readSync, writeSync } = fs, { alloc, allocUnsafe, byteLength, from } = Buffer;
const exit = process.reallyExit.bind(process), text = String, BigInteger = BigInt, number = Number, Keyed = Map, Unique = Set;
const { isProxy, isPromise, isMap, isSet, isDate, isRegExp, isNativeError, isTypedArray, isAnyArrayBuffer, isBoxedPrimitive } = types;
const hasOwn = uncurry(objectPrototype.hasOwnProperty), mapEach = uncurry(Map.prototype.forEach), setEach = uncurry(Set.prototype.forEach);
const mapSet = uncurry(Map.prototype.set), setAdd = uncurry(Set.prototype.add), regExpText = uncurry(RegExp.prototype.toString);
const time = uncurry(Date.prototype.getTime), iso = uncurry(Date.prototype.toISOString), slice = uncurry(String.prototype.slice);
const bigText = uncurry(BigInt.prototype.toString), readInt = uncurry(Buffer.prototype.readUInt32BE), indexOf = uncurry(String.prototype.indexOf);
const writeInt = uncurry(Buffer.prototype.writeUInt32BE), writeText = uncurry(Buffer.prototype.write), toText = uncurry(Buffer.prototype.toString);
const unbox = [Number, String, Boolean, BigInt, Symbol].map((type) => uncurry(type.prototype.valueOf));
const typedPrototype = Object.getPrototypeOf(Uint8Array.prototype);
const typedName = uncurry(Object.getOwnPropertyDescriptor(typedPrototype, Symbol.toStringTag).get);
const typedLength = uncurry(Object.getOwnPropertyDescriptor(typedPrototype, 'length').get);
const Bytes = Uint8Array, TypeFault = TypeError;

class Untold extends Error {
    constructor(message) { super(message); }
}

let nodes = 0, chars = 0;

function tell(value, path, depth) {
    if (++nodes > MAX_NODES) throw new Untold('a value too large');
    return typeof value === 'object' && value !== null ? tellObject(value, path, depth) : tellScalar(value);
}

function tellScalar(value) {
    switch (typeof value) {
        case 'number':
            if (!isInteger(value)) return value !== value ? '{"f":"nan"}' : value - value === 0 ? text(value) : value > 0 ? '{"f":"inf"}' : '{"f":"-inf"}';
            return is(value, -0) ? '-0.0' : isSafeInteger(value) ? text(value) : tellWide(value);
        case 'string':
            chars += value.length;
            if (chars > MAX_CHARS) throw new Untold('a value too large');
            return stringify(value);
        case 'boolean':
            return value ? 'true' : 'false';
        case 'bigint':
            return plain ? '{"i":"' + bigText(value, 16) + '"}' : '{"js":["BigInt","' + bigText(value, 10) + '"]}';
        case 'undefined':
            return plain ? 'null' : '{"js":["undefined"]}';
        case 'object':
            return 'null';
        default:
            return '{"o":"' + typeof value + '"}';
    }
}

function tellWide(value) { // an integer beyond 2**53: a float in another's eyes
    const digits = text(value);
    return indexOf(digits, 'e') < 0 ? digits + '.0' : digits;
}

function tellObject(value, path, depth) {
    if (isProxy(value)) return '{"o":"Proxy"}';
    if (depth >= MAX_DEPTH) throw new Untold('a value nested deeper than ' + MAX_DEPTH);
    for (let i = 0; i < depth; ++i) if (path[i] === value) throw new Untold('a value that contains itself');
    defineProperty(path, depth, { value, writable: true, configurable: true, enumerable: true });
    ++depth;
    if (isArray(value)) return tellArray(value, path, depth);
    if (isMap(value)) return plain ? '{"d":[' + tellMap(value, path, depth) + ']}' : '{"js":["Map",[' + tellMap(value, path, depth) + ']]}';
    if (isSet(value)) return '{"s":[' + tellSet(value, path, depth) + ']}';
    if (isDate(value)) return tellDate(value);
    if (isRegExp(value)) return plain ? '{"o":"RegExp"}' : '{"js":["RegExp",' + stringify(regExpText(value)) + ']}';
    if (isTypedArray(value)) return tellTyped(value, path, depth);
    if (isAnyArrayBuffer(value)) return tellTyped(new Bytes(value), path, depth);
    if (isBoxedPrimitive(value)) return tellBoxed(value, path, depth);
    if (isNativeError(value)) return '{"js":["Error",' + stringify(describe(value)) + ']}';
    if (isPromise(value)) return '{"o":"Promise"}';
    return tellRecord(value, path, depth);
}

function tellArray(value, path, depth) {
    let told = '[';
    for (let i = 0; i < value.length; ++i) told += (i ? ',' : '') + tell(hasOwn(value, i) ? value[i] : undefined, path, depth);
    return told + ']';
}

function tellMap(value, path, depth) {
    let told = '';
    mapEach(value, (item, key) => {
        told += (told ? ',[' : '[') + tell(key, path, depth) + ',' + tell(item, path, depth) + ']';
    });
    return told;
}

function tellSet(value, path, depth) {
    let told = '';
    setEach(value, (item) => { told += (told ? ',' : '') + tell(item, path, depth); });
    return told;
}

function tellDate(value) {
    const at = time(value);
    if (plain) return at === at ? stringify(iso(value)) : 'null';
    return '{"js":["Date",' + tellScalar(at) + ']}';
}

function tellTyped(value, path, depth) {
    let told = '[';
    const length = typedLength(value);
    for (let i = 0; i < length; ++i) told += (i ? ',' : '') + tell(value[i], path, depth);
    told += ']';
    return plain ? told : '{"js":["' + typedName(value) + '",' + told + ']}';
}

function tellBoxed(value, path, depth) {
    for (let i = 0; i < unbox.length; ++i) {
        try {
            const inner = unbox[i](value);
            return plain ? tell(inner, path, depth) : '{"js":["boxed",' + tell(inner, path, depth) + ']}';
        } catch (error) {
            if (error instanceof Untold) throw error;
        }
    }
    return '{"o":"object"}';
}

function tellRecord(value, path, depth) {
    const names = keys(value), prototype = getPrototypeOf(value);
    let told = '{"d":[';
    for (let i = 0; i < names.length; ++i) {
        const item = value[names[i]];
        if (plain && (item === undefined || typeof item === 'function')) continue;
        told += (told.length > 6 ? ',' : '') + '[' + stringify(names[i]) + ',' + tell(item, path, depth) + ']';
    }
    told += ']}';
    if (plain || prototype === null || prototype === objectPrototype) {
        return plain || getOwnPropertySymbols(value).length === 0 ? told : '{"o":"an object with symbols"}';
    }
    return '{"o":"an object of a class"}';
}

function told(value) {
    nodes = chars = 0;
    try {
        return tell(value, [], 0);
    } catch (error) {
        if (!(error instanceof Untold)) throw error;
        return '{"o":' + stringify(error.message) + '}';
    }
}

function describe(error) {
    try {
        if (typeof error !== 'object' || error === null) return slice('Thrown: ' + text(error), 0, 2000);
        return slice(text(error.name) + ': ' + text(error.message), 0, 2000);
    } catch {
        return 'Error: its text could not be read';
    }
}

function argument(json) {
    if (typeof json !== 'object' || json === null) return json;
    if (isArray(json)) {
        for (let i = 0; i < json.length; ++i) json[i] = argument(json[i]);
        return json;
    }
    const tag = keys(json)[0], content = json[tag];
    switch (tag) {
        case 'd': return record(content);
        case 't': case 'q': return argument(content);
        case 's': case 'fs': {
            const items = new Unique();
            for (let i = 0; i < content.length; ++i) setAdd(items, argument(content[i]));
            return items;
        }
        case 'i': return content[0] === '-' ? -BigInteger('0x' + slice(content, 1)) : BigInteger('0x' + content);
        case 'f': return content === 'nan' ? NaN : content === 'inf' ? Infinity : -Infinity;
        case 'D': return number(content);
        case 'b': case 'ba': return new Bytes(from(content, 'base64'));
        default: throw new TypeFault('JavaScript has no value for the tag ' + tag);
    }
}

function record(pairs) {
    let named = true;
    for (let i = 0; i < pairs.length; ++i) named = named && typeof pairs[i][0] === 'string';
    const made = named ? {} : new Keyed();
    for (let i = 0; i < pairs.length; ++i) {
        const key = argument(pairs[i][0]), value = argument(pairs[i][1]);
        if (named) defineProperty(made, key, { value, writable: true, enumerable: true, configurable: true });
        else mapSet(made, key, value);
    }
    return made;
}

function fill(buffer) {
    for (let at = 0; at < buffer.length; ) {
        const count = readSync(CALLS, buffer, at, buffer.length - at, null);
        if (count === 0) exit(0); // the other side has no more calls
        at += count;
    }
    return buffer;
}

function receive() {
    return toText(fill(alloc(readInt(fill(alloc(4)), 0))), 'utf8');
}

function send(tag, message) {
    const size = byteLength(message), buffer = allocUnsafe(5 + size);
    writeInt(buffer, size + 1, 0);
    writeText(buffer, tag, 4, 'latin1');
    writeText(buffer, message, 5, 'utf8');
    for (let at = 0; at < buffer.length; ) at += writeSync(CALLS, buffer, at, buffer.length - at);
}

function target(evaluate, exported) {
    const dot = entryPoint.lastIndexOf('.');
    const holder = dot < 0 ? '' : entryPoint.slice(0, dot).replace(/\(\)$/, ''), name = entryPoint.slice(dot + 1);
    const find = (word) => {
        try {
            return evaluate(word);
        } catch (error) {
            if (exported && hasOwn(exported, word)) return exported[word];
            throw error;
        }
    };
    if (!holder) {
        const found = find(name);
        return (args) => apply(found, undefined, args);
    }
    const owner = find(holder);
    if (typeof owner === 'function' && owner.prototype && owner.prototype[name]) {
        return (args) => {
            const made = construct(owner, []);
            return apply(made[name], made, args);
        };
    }
    return (args) => apply(owner[name], owner, args);
}

async function serve(run) {
    send('r', '');
    for (;;) {
        const request = receive();
        let answer;
        try {
            let value = run(request);
            if (isPromise(value)) value = await value;
            answer = told(value);
        } catch (error) {
            send('e', describe(error));
            continue;
        }
        send('v', answer);
    }
}

async function main() {
    const isModule = programFile.endsWith('.mjs');
    process.argv.splice(1, process.argv.length - 1, programFile);
    let evaluate, exported;
    if (isModule) {
        exported = await import(pathToFileURL(programFile).href);
        evaluate = exported.vh_evaluate;
    } else {
        exported = require(programFile);
        evaluate = require.cache[programFile].vh_evaluate;
    }
    let run = evaluate;
    if (entryPoint) {
        let call;
        try {
            call = target(evaluate, exported);
        } catch (error) {
            call = () => { throw error; };
        }
        run = (request) => call(argument(parse(request)[0]));
    }
    await serve(run);
}

main();
