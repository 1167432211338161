"""Every language in real sandboxes: programs that are right, that are wrong, and that end in every other way."""

from __future__ import annotations

import os

import pytest

from verifiers.engine import Scorer
from verifiers.types import Sample, Status

BACKENDS = [pytest.param("docker", marks=pytest.mark.docker), pytest.param("bwrap", marks=pytest.mark.bwrap)]
RIGHT, WRONG, CRASHES, SPINS, GROWS, BROKEN = "right", "wrong", "crashes", "spins", "grows", "broken"
OUTCOMES = {
    WRONG: "wrong_answer",
    CRASHES: "runtime_error",
    SPINS: "time_limit",
    GROWS: "memory_limit",
    BROKEN: "compile_error",
}
REFERENCE = {"tests": [{"stdin": f"{n} {n * n}\n", "stdout": f"{n + n * n}\n"} for n in range(5, 8)]}
JAVA = "import java.util.*; public class Main {{ public static void main(String[] a) {{ {} }} }}"
GO = 'package main\nimport . "fmt"\nfunc main() {{ var a, b int; Scan(&a, &b); {} }}'
PROGRAMS = {
    "python": {
        RIGHT: "print(sum(map(int, input().split())))",
        WRONG: "print(7)",
        CRASHES: "print([][3])",
        SPINS: "while True: pass",
        GROWS: "x = [1]\nwhile True: x += x",
    },
    "c": {
        RIGHT: '#include <stdio.h>\nint main() { int a, b; scanf("%d %d", &a, &b); printf("%d", a + b); }',
        WRONG: '#include <stdio.h>\nint main() { puts("7"); }',
        CRASHES: "int main() { volatile int *p = 0; *p = 1; }",
        SPINS: "int main() { for (volatile int i = 0;; i++); }",
        GROWS: "#include <stdlib.h>\n#include <string.h>\nint main() { for (;;) memset(malloc(1 << 22), 1, 1 << 22); }",
        BROKEN: "int main( {",
    },
    "cpp": {
        RIGHT: "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }",
        WRONG: "#include <iostream>\nint main() { std::cout << 7; }",
        CRASHES: "#include <vector>\nint main() { return std::vector<int>().at(3); }",
        SPINS: "int main() { for (volatile int i = 0;; i++); }",
        GROWS: "#include <vector>\nint main() { for (std::vector<std::vector<int>> v;;) v.emplace_back(1 << 20, 1); }",
        BROKEN: "int main() { return x; }",
    },
    "javascript": {
        RIGHT: "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' '); console.log(+a + +b)",
        WRONG: "console.log(7)",
        CRASHES: "null.x",
        SPINS: "for (;;);",
        GROWS: "const x = []; for (;;) x.push(new Array(1 << 20).fill(1.5))",
    },
    "typescript": {
        RIGHT: "const [a, b]: string[] = require('fs').readFileSync(0, 'utf8').split(' '); console.log(+a + +b)",
        WRONG: "console.log(7 as number)",
        CRASHES: "throw new Error('no')",
        SPINS: "for (;;);",
        GROWS: "const x: any[] = []; for (;;) x.push(new Array(1 << 20).fill(1.5))",
        BROKEN: "const x: = 3;",
    },
    "java": {
        RIGHT: JAVA.format("Scanner s = new Scanner(System.in); System.out.println(s.nextInt() + s.nextInt());"),
        WRONG: JAVA.format("System.out.println(7);"),
        CRASHES: JAVA.format("a[3] = null;"),
        SPINS: JAVA.format("for (;;);"),
        GROWS: JAVA.format("List<long[]> l = new ArrayList<>(); for (;;) l.add(new long[1 << 20]);"),
        BROKEN: JAVA.format("int"),
    },
    "go": {
        RIGHT: GO.format("Println(a + b)"),
        WRONG: GO.format("Println(7)"),
        CRASHES: GO.format("var x []int; Println(x[a])"),
        SPINS: GO.format("for {}"),
        GROWS: GO.format("x := []int{1}; for { x = append(x, x...) }"),
        BROKEN: GO.format("x"),
    },
    "rust": {
        RIGHT: (
            "fn main() { let mut s = String::new(); std::io::stdin().read_line(&mut s).unwrap();"
            'println!("{}", s.split_whitespace().map(|x| x.parse::<i32>().unwrap()).sum::<i32>()); }'
        ),
        WRONG: 'fn main() { println!("7"); }',
        CRASHES: 'fn main() { let v: Vec<i32> = Vec::new(); println!("{}", v[3]); }',
        SPINS: 'fn main() { let mut x = 0u64; loop { x = x.wrapping_add(2); if x == 1 { println!("{}", x); } } }',
        GROWS: "fn main() { let mut x = Vec::new(); loop { x.push(vec![1u8; 1 << 22]); } }",
        BROKEN: 'fn main() { let _x: i32 = "a"; }',
    },
    "bash": {
        RIGHT: "read a b; echo $((a + b))",
        WRONG: "echo 7",
        CRASHES: "exit 3",
        SPINS: "while :; do :; done",
        GROWS: "x=a; while :; do x=$x$x; done",
    },
}  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("language", PROGRAMS)
def test_score_when_in_a_language_then_each_program_has_its_outcome(language: str, backend: str) -> None:
    programs = PROGRAMS[language]
    verdicts = {}
    for cpu_s, kinds in ((20.0, programs.keys() - {SPINS}), (1.0, {SPINS})):
        scorer = Scorer("code", options={"sandbox": backend, "slots": 2, "cpu_s": cpu_s, "memory_mb": 400})
        samples = [Sample(f"```{language}\n{programs[kind]}\n```", reference=REFERENCE) for kind in kinds]
        verdicts |= zip(kinds, scorer.score(samples), strict=True)
    if verdicts[RIGHT].status is Status.UNAVAILABLE and "CI" not in os.environ:
        pytest.skip(verdicts[RIGHT].reason)
    found = {kind: verdict.parts[0].details["outcome"] for kind, verdict in verdicts.items() if kind != RIGHT}
    assert (verdicts[RIGHT].reward, verdicts[RIGHT].reason) == (1.0, "passes all 3 tests")
    assert found == {kind: OUTCOMES[kind] for kind in found}
    assert all(verdict.reward == 0.0 for kind, verdict in verdicts.items() if kind != RIGHT)
