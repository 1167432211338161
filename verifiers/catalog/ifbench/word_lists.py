"""Word lists that the IFBench instructions name, and verbs."""

from __future__ import annotations

CONJUNCTIONS = frozenset(("and", "but", "for", "nor", "or", "so", "yet"))
"""The coordinating conjunctions."""

PERSON_NAMES = tuple(
    """
    Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander Amelia Benjamin
    Harper Leo Zoe Daniel Chloe Samuel Lily Matthew Grace Owen Abigail Gabriel Ella Jacob Scarlett Nathan Victoria
    Elijah Layla Nicholas Audrey David Hannah Christopher Penelope Thomas Nora Andrew Aria Joseph Claire Ryan Stella
    Jonathan
    """.split()
)
"""The names of which the instruction asks to mention some."""

PRONOUNS = frozenset(
    """
    i me we us you he him she her it they them my mine our ours your yours his hers its their theirs myself
    ourselves yourself yourselves himself herself itself themselves this that these those who whom whose which what
    whoever whomever whatever whichever anybody anyone anything everybody everyone everything nobody nothing
    somebody someone something each either neither both all some any none
    """.split()
)
"""What counts as a pronoun."""

NORTHERN_CAPITALS = tuple(
    """
    Reykjavik Helsinki Oslo Tallinn Stockholm Riga Moscow Copenhagen Vilnius Minsk Dublin Berlin Amsterdam Warsaw
    London Brussels Prague Luxembourg Paris Vienna Bratislava Budapest Vaduz Chisinau Bern Ljubljana Zagreb
    """.split()
)
"""Europe's capitals north of 45 degrees, from north to south, as the official checker has them."""

VERBS = frozenset(
    """
    absorb abstain accept accommodate account accumulate ache achieve acknowledge acquire act activate adapt add
    address adhere adjust administer admire adopt advocate affect afford agree aid aim align alleviate allocate
    allow alter am ambulate analyse analyze answer anticipate apologize appeal appear apply appreciate are arise
    arouse arrange arrive ask assert assess assist associate assume ate attempt attend avoid balance be bear became
    become bed been began begin begun being believe bend benefit blend blink block blur boost borrow bother bought
    breach break broke broken brought build built buy calculate call calm came capture care carry carve catch cater
    caught cause celebrate challenge change characterize check choose chose chosen claim clarify classify clean
    climb close code collaborate collect combine come comfort command commit communicate compare compensate compete
    complain complement complete comply compose comprehend compress compromise compute conceive concentrate concern
    conduct confirm confuse connect conserve consider consolidate construct consult consume contact contain continue
    contribute control converge convert convey convince cook cool coordinate cope copy correct correlate cost count
    counteract cover craft create cruise cry cut damage dance date deal decide decipher decline decode decrease
    deepen defend define delay delineate deliver delve demonstrate denote depend depict describe deserve design
    desire destroy detail detect deteriorate determine develop diagnose did differ differentiate diffuse dig direct
    discharge disclose discourage discover discuss dispense display disrupt distinguish distribute dive divide do
    document does dominate donate done drain draw drawn dream dress drew drink drive driven drop drove earn ease eat
    eaten educate elicit eliminate elucidate embark embed embrace emerge emphasize employ enable encounter encourage
    end endure enforce engage enhance enjoy enrich ensure enter enumerate escape establish estimate evaluate evolve
    exacerbate examine exclude exercise exert exhibit expand expect experience explain exploit explore expose
    express extend extract face facilitate fail fall fallen fast fear feature feed feel fell felt fight figure file
    fill find finish fit fix fluctuate fly focus follow forget forgot forgotten foster found fulfill fund fundraise
    gain gather gave generalize generate get give given go gone got govern grade grasp greet grew groom grow grown
    guess guide had handle happen harbor harm harness harvest has haunt have heal hear heard hearken held help hide
    highlight hit hold hope hunt identify illuminate illustrate imagine imitate impact implant implement imply
    impress improve include incorporate increase increment indicate induce infiltrate influence inform inhibit
    initiate insert inspire install integrate intend interact interfere interrupt introduce invest investigate
    invite involve is isolate join juggle justify keep kept kill kiss knew know known lack lead lean learn leave led
    left let leverage lift light like limit link listen live load locate look lose lost lounge love made maintain
    make manage manifest manipulate master match maximize mean measure meet memorize mend merge met mine minimize
    miss mitigate moderate modify monitor motivate move multiply navigate necessitate need note notice obliterate
    obscure obtain occur offer open operate optimize organize outline overcome overwhelm owe own pack paid paint
    palpate participate pass pause pave pay peak pedal perceive perform persist pet pick picture place plan play
    please point pose possess post pour predict prefer prepare prescribe present preserve prevent print prioritize
    proceed produce progress promise promote prompt propose protect prove provide pulse pursue push put quantify
    quit rain raise ran range rate re reach react read realize rearrange rebuild recall receive recognize recommend
    record recover recruit recycle redefine reduce refer refine reflect regret relate relax release relieve rely
    remain remake remember remove render repair repave repeat replace replicate report represent reproduce require
    resist resolve resonate respect respond rest restore restrict result resume retain retrieve return reveal
    reverse review revolutionize rewrite ride rip rise rock roll round rule run said sample sat satisfy save say
    score screen secure see seek seem select sell send sent separate serve set settle shake shame shape shimmer
    shine ship shorten show showcase shrink shut signify simplify simulate sit sleep slide slow smoke sneak
    socialize sold solve soothe span speak specialize specify speculate spend spent split spoke spoken spot spread
    squeeze stabilize stand stare start stay steal steer step stimulate stood stop store strain stratify streamline
    strengthen stretch strive struggle study submit substitute subtract succeed suffer suggest suit summarize supply
    support suppress surprise sustain swallow swap sway swell swim switch symbolize tackle take taken talk tap
    target taught teach tell test thank think thought threaten thrive told tolerate took touch trace track train
    transcend transfer transform translate transport travel traverse treat trigger triple trust try turn uncover
    undergo understand undertake unfold unleash unlock unravel update upload urbanize urinate use utilize validate
    vary ventilate verify visit vote wake walk wander want warrant was wash watch wear weave weigh went were win
    wish withstand witness won wonder work worry worsen wrap write written wrote yield
    """.split()
)
"""Common English verbs, irregular forms included; regular forms are derived."""

ALWAYS_TAGGED = frozenset(
    """
    based being built consider crafted designed did do does give given have is keep known left let lost made
    paid prioritize put revolutionize see sold take taken try utilize was were
    """.split()
)
"""The verbs that NLTK's tagger takes for verbs whenever they start a sentence with a capital."""

SELDOM_TAGGED = frozenset(
    """
    absorb accept account ache acknowledge acquire act adapt address adhere adjust administer admire afford aid aim
    align alter am analyse analyze answer arouse arrange arrive assert assess ate balance bear became bed been began
    begun block blur bother breach broken brought calm capture carry cater caught chosen claim climb close code
    comfort command commit complement complete compress conceive confuse consult convert convince cool cost count
    craft cry dance decipher decode decrease depict describe design destroy detail did diffuse dig discover discuss
    dispense disrupt divide document done drawn dream dress drew drop eat elicit embark embrace employ encounter end
    endure enforce enrich ensure enter exclude exercise exert exhibit experience exploit explore express face
    facilitate fail fall fast fear feature feed fell fight figure file fill find fit fix fluctuate fly focus follow
    forgot forgotten foster found fulfill fund fundraise gather got grasp grew groom grown guide harbor harm harness
    harvest haunt hear heard hearken hide highlight hunt illuminate illustrate imagine imitate impact implant
    implement imply impress incorporate increment indicate infiltrate influence inhibit initiate insert inspire
    integrate interact interfere interrupt introduce invest invite isolate juggle kept kill knew know light like
    load manifest manipulate master measure meet met mine miss mitigate moderate monitor motivate multiply navigate
    necessitate notice obscure obtain occur outline overcome overwhelm owe pass pause picture place plan predict
    record rely repair replace report rest restore rock roll round sat satisfy score screen set shape shimmer
    showcase shut sit slide smoke soothe span spent split spot stare store strengthen strive struggle study submit
    suggest suit suppress swap sway swell swim taught thrive touch trace travel trigger trust uncover undergo
    understand unfold unleash unlock unravel upload vary was wash wear weigh went were withstand witness won worry
    worsen wrap
    """.split()
)
"""The verbs that it then takes for something else; the rest is told by the next word."""

OBJECT_STARTS = frozenset(
    """
    a an any each every her him his it its me my our some that the their them these this those up us your
    """.split()
)
"""Words after which the tagger takes the one before for a verb."""

NO_VERBS_IN_ING = frozenset(
    """
    accounting anything building ceiling clothing darling during duckling evening everything housing king lightning
    morning nothing offspring pudding ring something spring sterling string thing wedding wing
    """.split()
)
"""Words in -ing that are no verb forms."""

OFFICIAL_SYLLABLES = {
    word: count
    for count, words in {
        1: """
        changing closed faster getting giving having higher james larger largest longer skilled slightly smaller
        softly starting stones stronger style tales testing themes using
        """,
        2: """
        aimed argue beyond brilliant business cafe chaos depending engaged evening every existing expected framework
        including islamic issues largely layer layers lonely managing maybe merely peaceful people player poem
        proposed quiet ratio remaining reporting royal ryan safety science seemingly something sometimes suddenly
        thereby therefore trial values
        """,
        3: """
        accurately area audience becomes behavior businesses casual consistently continued continues creative
        curious decides dialogue easier effectively element elements employees engagement everything expressed
        features figures followed genuine idea ideal ideas implement includes increasingly influence influenced
        involves korean linear measures mentioned movements museum nuclear obvious performed pressures previous
        provides remained requires samuel scientist scientists serious situations structures typically ultimately
        usually various
        """,
        4: """
        advertisement anxiety approximately associated biology candidates coordinate environmental especially
        european experience experienced html implemented indicates industrial material materials mysterious
        personalized potentially scientific significantly victoria
        """,
        5: """
        characterized cooperation creativity curiosity experiences identifying implementation intellectual
        theoretical
        """,
    }.items()
    for word in words.split()
}
"""Common words whose syllables syllapy counts otherwise than the rules do, some of them wrongly."""
