"""The numeric teacher's cases."""

from __future__ import annotations

from verifiers.teacher import accept, adversarial, reject, unscorable

CASES = [
    accept("So she earns $18 a day.\nThe answer is 18.", reference="18"),
    accept('{"reasoning": "2 + 1 = 3", "answer": "3"}', reference=3),
    accept("<think>12? no</think><answer>1.234,5</answer>", reference=1234.5),
    accept("<answer>9 500</answer>", reference="9500"),
    accept("<answer>22,38</answer>", reference=22.377, options={"relative": 0.05}),
    accept("<answer>1.2e3</answer>", reference="1200"),
    accept("<answer>三万五千</answer>", reference=35000),
    accept("答案是1.5亿", reference=150000000),
    accept("<answer>25.2 (reference range 90-120)</answer>", reference={"value": 25.238, "lower": 24, "upper": 26.5}),
    accept("<answer>68.2 mL/min per 1.73 m2</answer>", reference="68.2"),
    accept("<answer>5000 m</answer>", reference={"value": 5, "unit": "km"}),
    accept("<answer>0.25</answer>", reference="25%"),
    accept("<answer>3/9</answer>", reference={"value": 3, "kind": "integer"}, note="points of a score"),
    accept("<answer>11</answer>", reference="10-12", note="a reference range"),
    accept("<answer>17 weeks and 4 days</answer>", reference="('17 weeks', '4 days')"),
    accept("<answer>July 5, 2023</answer>", reference="07/05/2023"),
    accept("Rows: 7\nTotal: 42 apples\nDone.", reference=42, options={"find": "labelled", "label": "total"}),
    accept("We add 3 and 4 and get 7 in all", reference=7, options={"find": "last_number"}),
    reject("<answer>3.4</answer>", reference={"value": 3, "kind": "integer"}),
    reject("<answer>13/05/2023</answer>", reference="05/13/2023", note="day and month changed places"),
    reject("<answer>5 m</answer>", reference={"value": 5, "unit": "km"}),
    reject("<answer>15</answer>", reference=1.5),
    reject("<answer>about 10-20</answer>", reference=15, note="a range for a number"),
    adversarial("<answer>5, 10, 15, 22.38</answer>", reference=22.38, note="enumeration"),
    adversarial("<answer>7</answer><answer>8</answer><answer>9</answer>", reference=9, note="several tags"),
    adversarial("<answer>7 or 8</answer>", reference=7, note="hedging"),
    adversarial("<answer>0+__import__('os').getpid()*0+7</answer>", reference=7, note="code is text"),
    adversarial("<think>the answer is 42", reference=42, note="never stops thinking"),
    unscorable("<answer>5</answer>", reference=None),
    unscorable("<answer>5</answer>", reference={"value": "a few"}),
]
