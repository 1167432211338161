"""The phrases that state a choice, English and Chinese.

Every pattern is linear: possessive, or bounded by a constant.
"""

from __future__ import annotations

import re

_END = r"(?![A-Za-z])"
_LEAD = (
    r"(?:[\s:：*\"'“”‘’`><_$【]|(?:therefore|thus|clearly|indeed|most likely|likely|probably|definitely|obviously"
    r"|actually|now|simply"
    rf"|as follows|still|hence|then|only|just|both|the|letter|option|choice|answer|options|choices|in fact"
    rf"|certainly|correct){_END}"
    r"|选项|选择|应选|选|项)*+"
)
_LINK = (
    rf"(?:(?:is|are|was|were|be|would be|should be|must be|will be|has to be|seems to be|appears to be|remains"
    rf"|becomes|being){_END}"
    r"|[:：=→⇒】]|(?<=ans)\.|[-=]>|[-–—](?=\s)|(?=\n))"
)
_ADJECTIVES = (
    "my|the|your|our|final|correct|best|right|most|appropriate|likely|chosen|selected|single|overall|proper"
    "|suitable|accurate"
    "|logical|so|only|ultimate"
)

NOUN = re.compile(
    rf"(?<![A-Za-z])(?:(?:{_ADJECTIVES})\s){{0,5}}(?:answer|choice|option|selection|response|pick|ans|verdict"
    rf"|decision|conclusion|guess|result|output)s?"
    r"(?P<more>\s(?:choice|option|letter|here|(?:to|for) (?:this|the|your) (?:question|problem)))?"
    rf"(?:\s?\([^()\n]{{0,30}}\))?[\s*_\"']{{0,4}}{_LINK}(?P<isnt>\s?(?:not|never|n['’]t|neither|cannot be){_END}"
    rf"|n['’]t{_END})?{_LEAD}"
    r"|(?<!不)正确的(?:选项|一项|说法|答案)?(?:是|为)(?=\s?[(（]?[A-J])|(?:正确|最终|最佳|最后的?|我的|本题的?|标准|最合适的?)?(?:答案|选项|选择)(?:应该|应当|应|就|只能|显然|便|可以确定|确定)?"
    rf"(?:(?P<zhnot>不是|不为|并非)|为|是|选|[:：=】])++{_LEAD}",
    re.IGNORECASE,
)
"""A noun that announces the choice: "The answer is", "Answer:", 答案是."""

LINKED = re.compile(
    r"(?:[:：=→⇒】>–—-]|\b(?:is|are|was|were|be|been|being|remains|becomes)|[为是选])\W*+", re.IGNORECASE
)
"""A link in a phrase, as opposed to a mere line end."""

VERB = re.compile(
    r"(?<![A-Za-z])(?:(?:i|we)(?:['’](?:d|ll|m|ve|re))?\s(?:(?:would|will|should|can|must|have to|am|are|have"
    r"|hereby|finally|therefore|now)\s){0,3}"
    r"(?:choos(?:e|ing)|chose|chosen|pick(?:ed|ing)?|select(?:ed|ing)?|go(?:ing)? (?:with|for)|went with|opt(?:ed"
    r"|ing)? for|vote for|settled? on|answer)"
    rf"|(?:choose|select|pick|mark|go with|going with)){_END}(?:\s?[:：])?{_LEAD}"
    r"|(?P<zhno>[不别没误未]|不能|不应|不该|不可)?(?:应该?|应当|故|因此|所以|只能|我)?(?:选择?|应选)(?:项|的是|了|：|:)?(?:为|是)?\s?(?=[(（【“\"]?[A-J])",
    re.IGNORECASE,
)
"""A verb that announces it: "I choose", "I'd go with", 故选."""

CONCLUDED = re.compile(
    r"(?:(?<![A-Za-z])(?:so|therefore|thus|hence|finally|conclusion|in conclusion|clearly|wait|actually|no|sorry"
    r"|correction|rather"
    r"|instead|oops|i mean|i say)[,:;.!]?\s(?:(?:it|that|this)(?:['’]s| is| must be| has to be"
    r"| should be)?\s)?(?:we (?:have|get)\s)?"
    r"|(?<![A-Za-z])(?:it['’]s|it is|it must be|it has to be|must be|(?:that|this|which) leaves(?: us with)?"
    r"|leaving|by elimination,|we (?:get|are left with)|definitely|i (?:think|believe|conclude)"
    r"(?: that)?(?: it['’]s| it is)?)\s|(?:所以|因此|故|综上|不对)[,，:：]?(?:应该是|是|为)?)"
    r"(?:(?:option|choice|answer|only|definitely|clearly|the"
    r"|just)\s){0,3}(?=[(（\[\"'“]?[A-J][)）\]\"'”]?\s?(?:[.,;!。，；！]|\Z|\n))",
    re.IGNORECASE,
)
"""A conclusion before a letter that ends its clause: "So B.", "Wait, it's C."."""

_LETTER = r"[(（\[]?[A-J][)）\]]?"
JUDGED = re.compile(
    rf"(?<![A-Za-z'’\d-])(?:(?i:both|only|options?|choices?|answers?"
    rf"|letter)\s){{0,2}}(?P<letters>{_LETTER}(?:\s?(?:,|，|、|&|/|and|or|和|与|及|或)\s?{_LETTER}(?![A-Za-z'’])){{0,9}}+)"
    r"(?P<text>[).:](?:[ \t][^.\n,;]{1,60}?)?)?"
    r"(?:\s(?:is|are|was|would be|must be|seems|appears|looks|remains)\s(?P<no>not\s)?"
    r"(?:(?:therefore|thus|clearly|indeed|definitely|also|probably|by far|the|a|an|our|my|only|single|both|all"
    r"|overall)\s){0,4}"
    r"(?:(?:correct|right|best|most (?:likely|appropriate|accurate|suitable|plausible|consistent|fitting"
    r"|logical))(?![A-Za-z])|(?:answer|choice|option)s?(?![A-Za-z]))"
    r"|(?:选?项)?(?:都|均|才|最)?(?:是|为)?(?:正确|对的|最佳|最合适)|(?:选?项)?(?:是|为)(?:本题)?答案)"
)
"""A letter that is judged right: "Option B is correct", B项正确."""

SUPPOSED = re.compile(
    r"(?<![A-Za-z])(?:some(?:one|body| people)?(?: students)?"
    r"|(?:many|most|other) (?:people|students)|tempt(?:ing|ed)|common(?:ly)? (?:mistake|error)|mistakenly|trap"
    r"|first thought"
    r"|initially|at first|might (?:think|say|argue|choose|pick|be tempted)|may (?:think|say|argue|choose"
    r"|pick))(?![A-Za-z])"
    r"|误选|误以为|有人|(?:wrong|incorrect|false|worst|错误的?)\s*\Z",
    re.IGNORECASE,
)
"""Before a phrase in its sentence: what it states is not the model's own decision."""

IF = re.compile(
    r"(?<![A-Za-z])(?:if|suppose|supposing|assum(?:e|ing)|whether|unless|until)(?![A-Za-z])|如果|假如|假设|若",
    re.IGNORECASE,
)
"""The same, in its own clause, or before a phrase with "would" or "were"."""
UNREAL = re.compile(r"(?<![A-Za-z])(?:would|were)(?![A-Za-z])", re.IGNORECASE)

HEDGED = re.compile(
    r"(?<![A-Za-z])(?:maybe|perhaps|possibly|might|could|may|unsure|(?:not|n['’]t) (?:\w{1,12}\s)?(?:sure"
    r"|certain|know|clear|determine)|unclear"
    r"|potentially)(?![A-Za-z])"
    r"|可能|也许|大概|或许|不确定|不清楚",
    re.IGNORECASE,
)
"""In the statement itself: it commits to nothing."""
OPEN = re.compile(r"(?:either|one of|between|unclear|unknown)(?![A-Za-z])", re.IGNORECASE)
"""At the place of the choice: it is left open."""

DENIED = re.compile(
    r"(?<![A-Za-z])(?:not|never|cannot|wrong|incorrect|false|neither|nor|than|because|since|unlike|except"
    r"|exclud\w{1,5}|eliminat\w{1,5}"
    r"|rul(?:e|es|ed|ing) out|while|whereas|although|as|but|instead|given|explanation|reason\w{0,3}"
    r"|why)(?![A-Za-z])|n['’]t(?![A-Za-z])"
    r"|不|错|误|排除|因为|而|非|由于",
    re.IGNORECASE,
)
"""Between a choice and another letter: the other letter is spoken about, not offered."""

OR = re.compile(r"(?<![A-Za-z])or(?![A-Za-z])|/|或", re.IGNORECASE)
OR_MORE = re.compile(
    r"(?:(?<![A-Za-z])(?:or|alternatively|otherwise)(?![A-Za-z])|(?<=[A-J)）\]])\s?/\s?|或者?)[\s,*]{0,3}"
    r"(?:(?:else|maybe|possibly|perhaps|even|also|it is|it['’]s|is it|option|choice|answer|选项?|是)[\s,*]){0,3}"
    r"[(（\[\"']?([A-J])(?![A-Za-z'’])(?!\s[a-z]{2,})"
)
SECOND_THOUGHT = re.compile(
    r"(?:(?<![A-Za-z])(?:or|maybe|perhaps|possibly|alternatively|(?:could|might|may) (?:also |well |instead "
    r"|just )?be|also consider)(?![A-Za-z])"
    r"|也许|可能|或者?)[^.\n。]{0,24}?(?<![A-Za-z])[(（]?([A-J])[)）]?(?=[\s.,;!?。，！？]|\Z)(?!\s[a-z]{2,}\s[a-z])",
    re.IGNORECASE,
)
TAKEN_BACK = re.compile(
    r"[\W_]*+(?:wait|no,|hmm|oops|scratch that|i take that back|actually,? (?:no|wait|that)|(?:that|this|which"
    r"|it)(?:['’]s| is| was)"
    r" (?:wrong|incorrect|not (?:right|correct)|a mistake|an error)|不对|错了|等等)"
    r"|[^\n]{0,400}?(?:[.!?。\n]|\Z)[\s*]*+(?:wait|hmm|oops|scratch that|i take that back|i was wrong|不对"
    r"|等等)(?![A-Za-z])",
    re.IGNORECASE,
)
"""Behind the last choice: it is taken back, and nothing takes its place."""
PLURAL = re.compile(
    r"(?:the )?(?:answer |given |available )?(?:options|choices)\s*(?:are)?\s*[:：]?\s*\Z", re.IGNORECASE
)
BUT = re.compile(r"(?:\bbut|而是|rather,|instead)\s?(?:rather\s|instead\s|is\s|选)?" + _LEAD, re.IGNORECASE)
MAY_JUDGE = re.compile(
    r"(?:^|[.!?:;,，。；：\n(（✅*]\s*|(?<![A-Za-z])(?:that|so|thus|hence|therefore|only|both|think|believe|why|and"
    r"|since|because|clearly|as|while|but"
    r"|conclude|actually|no|wait|is|option|choice|answer)\s+|[\u3400-\u9fff]\s*)\Z",
    re.IGNORECASE,
)
"""What may stand before a letter that is judged: not "hepatitis B is the best ..."."""
NONE_OF = re.compile(
    r"(?<![A-Za-z])(?:neither|nor|not|none of|n['’]t|no|whether|if)\W*(?:option |choice |答案)?\Z|不是\Z", re.IGNORECASE
)
NOT_BEFORE = re.compile(
    r"(?:(?<![A-Za-z])(?:not|never|cannot be)|n['’]t(?: be)?|不是|不选|排除)[\s:$\\(]*\Z", re.IGNORECASE
)


SEPARATOR = re.compile(
    r"\s?(?:,\s?(?:and|以及)?|，|、|;|&|and(?![A-Za-z])|以及|和|与|及|\+)\s?(?:(?:option|choice|选项)\s)?"
)
LONE_LETTER = re.compile(r"[(（\[{\"'“‘【<]{0,2}\s?([A-J])(?![A-Za-z0-9_^]|['’][A-Za-z])")
PACKED = re.compile(r"[(（\[{\"'“]?([A-J]{2,10})(?![A-Za-z0-9'’-])")
SMALL = re.compile(r"[(（\[{\"'“]?([a-j])[)）\]}\"'”]?[.。]?\s*(?:\Z|\n)|[(（]([a-j])[)）]|([a-j])[)）]\s")
MARKER = re.compile(r"(?:(?<=[\s,;])|^)[(（\[]?([A-J])[)）\].:、](?=\s|\S{2})")
CONNECTS = re.compile(
    r"\s?(?:[)）\]}】>\"'”’]{1,3}|[.,;:!。，；：！、](?!\d)|[-–—](?=\s)|\s[-–—(（|]|\Z|\n|<|\\|\s?[&+]\s?[A-J](?![A-Za-z])|[\u3400-\u9fff]"
    r"|\s?(?:because|since|as|is|are|and|or|which|that|for|due|given|not|rather|instead|based|would|seems|but"
    r"|here|in this|with (?:high|\d)|if|by"
    r"|over|than|nor|from the)(?![A-Za-z])|[✅✔☑👍🎉])"
)
"""What may follow a letter that stands for an option, rather than being an article or an initial."""
SPECIES = re.compile(r"\.\s[a-z]{3,}")
"""E. coli, C. difficile: a letter, a point and a small word may be a name."""
VERB_AFTER = re.compile(
    r"[)）\]]?\s(?:is|are|was|were|would|can|cannot|could|do|does|don['’]t|doesn['’]t"
    r"|has|have|isn['’]t|aren['’]t"
    r"|may|might)(?![A-Za-z])"
)
BARE_LINE = re.compile(r"[\W_]{0,8}([A-J])[\W_]{0,6}")
OPTION_LINE = re.compile(r"[^\w\n]{0,6}([A-J])(?:[).:、]|\s-|,(?=\s(?:because|since|as|due|given)\b))[\W_]{0,4}\s?\S")
LABELLED_A = re.compile(r"\W{0,6}A\s?[:：]\s?(?=[(（\[]?[A-J][)）\].]{0,2}\s*(?:\Z|\n))")
ENDS_WITH = re.compile(r"[(（\[]([A-J])[)）\]][\s.!。！*]{0,4}\Z")
OPTION_NAMED = re.compile(r"(?<![A-Za-z])(?i:option|choice|answer|letter)\s[(（\[]?([A-J])(?![A-Za-z'’])")
PARENTHESIZED = re.compile(r"[(（\[]([A-J])[)）\]]")
SENTENCE = re.compile(r"[.!?。！？](?=[\s\"'”)*]|\Z)|[。！？]|\n")
CUE = re.compile(
    r"(?<![A-Za-z])(?:so|therefore|thus|hence|conclusion|diagnosis|consequently|overall|indicates?"
    r"|finally)(?![A-Za-z])|所以|因此|综上|故",
    re.IGNORECASE,
)
