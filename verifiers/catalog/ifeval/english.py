"""Word lists of English that decide verdicts of the official instruction checkers."""

from __future__ import annotations

ABBREVIATIONS = frozenset(
    """
    . . a.a a.c a.d a.g a.h a.m a.m.e a.s a.t adm ala ariz aug ave b.f b.v bros c c.i.t c.o.m.b c.v calif chg cie co
    col colo conn corp cos ct d d.c d.h d.w dec dr e e.f e.h e.l e.m f f.g f.j feb fla fri ft g g.d g.f g.k ga gen h
    h.c h.f h.m i.m.s ill inc j.b j.c j.j j.k j.p j.r jan jr k kan ky l l.a l.f l.p lt ltd m m.b.a m.d.c m.j maj
    messrs mg mich minn mr mrs ms n n.c n.d n.h n.j n.m n.v n.y nev nov oct ok okla ore p p.a.m p.m pa ph.d prof r
    r.a r.h r.i r.j r.k r.t rep reps s s.a s.a.y s.c s.g s.p.a s.s sen sep sept sr st sw t t.j tenn tues u.k u.n u.s
    u.s.a u.s.s.r v va vs vt w w.c w.r w.va w.w wash wed wis yr
    """.split()
)
"""Words whose full stop does not end a sentence, as `nltk.sent_tokenize` knows them from newspaper text."""

STARTERS = frozenset(
    """
    according although among both but despite even he however i if in indeed instead it many meanwhile moreover most
    nevertheless nonetheless nor sales separately similarly since so some the there these they this though thus
    under when while yet
    """.split()
)
"""Words that, with a capital, start a sentence even after an abbreviation."""

AFTER_NUMBER = frozenset(
    """
    abreast aes business cbot colgate commodities cooper corrections credit dividend financing genentech henley
    insider international leisure letters notable pay-fone pegasus pepper review rj wedgestone who zimmer
    """.split()
)
"""Words before which a number with a full stop (a newspaper's item number) does not end a sentence."""

STOP_WORDS = frozenset(
    """
    a about above after again against ain all am an and any are aren as at be because been before being below
    between both but by can couldn d did didn do does doesn doing don down during each few for from further had hadn
    has hasn have haven having he her here hers herself him himself his how i if in into is isn it its itself just
    ll m ma me mightn more most mustn my myself needn no nor not now o of off on once only or other our ours
    ourselves out over own re s same shan she should shouldn so some such t than that the their theirs them
    themselves then there these they this those through to too under until up ve very was wasn we were weren what
    when where which while who whom why will with won wouldn y you your yours yourself yourselves
    """.split()
)
"""Function words that `ratio:stop_words` counts (NLTK's English stop words, those with an apostrophe left out)."""

ORDINARY = frozenset(
    """
    abilities able abortion above absence absent absolutely abuse academic accept acceptable accepted accessible
    accident accompanied accomplish accordingly accuracy accurate accurately achieve achieved acid actions active
    actors acute ad adding addition address addressed adds adequate adjacent adjust adjusted adjusting adjustment
    administered admission admitted adopted adult adults advantage advantages adventure adverse advice advised
    affected affects afford afraid afternoon aged agent agents aggressive agreed ahead aim aimed aims album alert
    aligned alive allergies allocated allow allowed allowing allows almost along alphabet already alternating
    alternative altogether always amount amounts analyses analysis analyzed ancient anemia angle angry animal
    animals animated animation anniversary annual annually answered answers antibiotic antibiotics anxious anyone
    anything anytime anyway anywhere apartment apparent apparently appealing appear appearance appeared application
    applications applied applies apply applying appointment appreciate appreciated approach appropriate
    approximately arbitrary architecture argue argument arguments arm arrange arranged arrangement arrangements
    array arrest arrival arrive arrived arrives article articles artificial artist ask asked asking aspect aspects
    aspiration assert assessed assigned assignments assist associations assume assumed assuming ate athletes
    athletic atmosphere attached attack attacks attempted attempts attend attended attending attention attributes
    audience author authors automatically available averages awards aware awareness awesome awful awhile ax babies
    backs backup badly bag bags baked balanced balloon balloons balls band banned barely bars baseball basement
    bases basic basil basis basket bat battery beans beat beating beats became become becoming bed bedroom beds beef
    beers bees begin behavior behind being believe believed belong bench benched beneficial benefit besides bet beta
    better between beyond bias bigger bilateral billions biological birds birth bit bits blame bleeding blind
    blocked blocks blood blows boards bodies body bomb bond bone bonus bored bother bottle bottles bow bowling box
    boxes boy boys brackets brain brains branch branches brand bread break breaking breaks breast breath breathing
    bright brilliant bringing brings broke broken brother bucks build built bunch bundle burden burn burned burning
    bus buses butter bypass calculate calculated calculating calculation calculations call calling calm calming came
    camera cancel candidate candidates cannot capable caps capture car carbon careful carefully carried carries
    carrot carrots carry carrying cast caught cause caused causes causing celebrate cell cells cents certainly chair
    chairs challenge challenges challenging chance chances character characteristic characterized characters charge
    charts check checked checking cheerleader cheerleaders cheese chemotherapy chest choice choices choose choosing
    chose chosen chronic circles circuit circumstances claim classes classical classification classified cleaning
    clerk clever climate climb clock closest clothes clothing cloud coaches coaching cocaine codes coin coins cold
    collect collected collecting colored colors column columns combination combinations combine combined combining
    comedies comedy comfort comfortable comic commercials commit commitment committed commonly communicate compare
    compared comparing comparison comparisons compatible compete competitive complained complaining complains
    complaints complete completed completely completing completion complexity compliance complicated complication
    complications component components composed compound compression concentration concentrations conception
    concerned concerning concerns conclude conclusion concrete condition conditions conducted confident confined
    confirm confirmed confused confusing connected connecting connection conscious consecutive consent consequences
    consider consideration considered considering consisted consistent consistently consisting consists constant
    constantly constraints consumed consumption contact contacts contain contained containers containing contains
    content contents contest context continued continuing continuous continuously contrast contribute contributed
    contributing contribution controlled controlling controversial controversy convenient conventional conversation
    conversion convert converted convince cookies cooking cool copies copy core corner correct corrected correctly
    correlation corresponding corresponds cost cough counted counter counting counts couple coupon course courses
    covered covering covers cows cream create created creates creating creation creatures crimes criteria crowd
    cultural curious currently custom customer cutting cycle cycles dangerous dark dashed database date dates dating
    daughter deaf dealing decade decent decide decides decisions declaration declare declared decrease decreased
    dedicated deep default defeat defeated defect defensive deficiency deficits define defined defines defining
    definition degree degrees delayed delicious deliver delivered delivers delivery demonstrate demonstrated
    demonstrates denied denies dental depend dependent depending depends depressed depressing depth derived
    descending describe described describes description deserve deserves designed desire destroy detail detailed
    details detected detection determination determine determined develop developed developing diagnosed diagnoses
    diagnosis diagnostic diagram diameter diarrhea dice dictionary didn die diet differ difference differences
    different differential differently difficult difficulties difficulty dig dimes dining direct directed directing
    direction directions directly dirt dirty disability disadvantage disagree disappointed discharge discharged
    discontinued discounted discovered discrimination discuss discussed discussion disk disorder disorders display
    distance distinct distracted distribute distributed diverse divided dividing doctor document does doesn dogs
    doing dollars donate done door dosage dose dot double doubt dozen dozens draft drafted drama dramas draw drawing
    drawn dress drink drinking drinks driven dropped dropping drove drugs drunk dubbed ducks dump duration dying
    dynamic ear earlier early earn earning ears easier easiest easily eaten eating edge editing educated effective
    effectively effectiveness effects efficiency efficient egg eight either elderly elections electrocardiogram
    element elements elephant eligibility eligible eliminate else embarrassed embarrassing emergency emotional
    emotions employed employee empty encourage enemies engage engaging engineer engineers enhance enjoy enjoyed
    enough ensure ensuring enter entered entering entertaining entire entirely entry environment enzyme episode
    equal equality equally equals equation equipped equivalent era errors escape especially essential establish
    established estimated estimates etc ethical evaluate evaluation evenly event eventually ever everyday everywhere
    evidence evident evil evolved exact exactly exam examination examinations examine examined example examples
    exams excellent except excess excessive excited excitement exciting excluded execute execution exercise exist
    existence existing exists expand expanding expansion expectation expenses expensive experience experienced
    experiences experiencing experiment experimental experiments expert experts explain explained explaining
    explains explanation explicitly explore exploring exponent exposed exposure expressed expression expressions
    extend extending extent external extra extract extreme extremely eye eyes fabric facility facing fact factor
    factory fairly fake falling fame familiar families famous fan fans fantastic farther fascinating fashion faster
    fastest fat fatigue favor favorable favorite favorites fear feasible feature features feedback feeding feeling
    feels feet fellow felt female females fence fewer figure figured figures file fill filled filling films final
    finally findings fingers finish finished fired fish fit fix fixed flag flavor flies flight float floor flower
    flowers fly flying focused follow followed following follows foot forbidden forced forces forever forget format
    formation formed formula forth forward fraction franchise frequency frequent frequently friend friendly frozen
    fruits fully fumbling functions funny gained gallon gang garbage gather gathered gathering gave gay gender
    generate generated genius gentleman giant gift gifts giraffe girl girlfriend girls given gives giving glasses
    global glory glue goals goes going gotten governor graduated gravity greater greatest greatly grew grid grocery
    gross ground growing grown guarding guess guessing guest guests guidelines guinea gun guns guy habits hair
    halves handed handle hands hang hanging happen happened happening happens happy harder harm harmful harvest hate
    hated hats headaches heads healthy hear hearing heavy height helium helped helpful helping helps hence hepatitis
    her here hero heroes herself hid hide hiding highest highlight highlights highly hike hilarious him himself hire
    hired hires historical historically hits hold holds hollow homework honest honestly honor hoping hormone horror
    horse hospitalization hospitals host hot hour hourly hours houses huge humans humor hundred hundreds husband
    hypertension idea ideal identical identified identity ignore illegal illicit illness image images imagine
    imaging immediate immediately immune impaired implement implementation implemented implies import importance
    important impossible impressive improve improved improvement improvements improves improving inch inches
    incidence incident include included including inclusion incomplete incorrectly increased incredible indeed
    independent independently indicated indicates indicating indication individual individually individuals induced
    induction infant infants infected infection infections inferior inflammatory influence influenced inform
    informed ingredients inhabitants initial initially initiated injured injuries injury inner innovation innovative
    input inserts inside inspired install instance instead instructions instrument insufficient insult intact
    intensity intensive interact interested interesting interests interior intermittent intervention interventions
    interviews intimidation into introduced invalid invented invention inventor invest invested investigate
    investigations invite invited involve involves ischemia isn item items jacket jeans jewelry joined joints joke
    jokes journey jumps junior keeps kept kick kicker kicking kid kidneys kids kill killed killing kinds kiss
    kitchen knees knew knife knowledge known lab labeled laboratory lack language languages larger lasted lasting
    lasts lately latter laugh laundry lawn le leaders leadership leading leads leaf leagues learn learned learns
    least led legally lemon lemonade length lessons lets letters letting lie lies lifetime lift lightning lights
    liked likelihood likes linear linked links lion liquid list listed listen listening listing lists literature
    liters lived lives living localized locate located location locations locked logical longest looked looking
    loose lose losing lot loud loved loves lucrative lunch lung lungs lying lymph magnetic magnitude mainly maintain
    maintained maintaining maintenance majority makeup malaise male males mall manage managed manner margin
    marijuana marked marriage marrow mask masks masses massive match matched matching math mathematical maximize
    maximum meal meals mean meaning measured measurement measures measuring mechanical mechanism median medication
    medications medium meets member mental mention mentioned mere merge mess message messages meter meters method
    mid mild miles milk millions mind minds mine minimal minimize minimum minority minus minute missed missing
    mistake mix mixture mobile moderate moderately modified modify mom moment moments monitored monitoring monthly
    months mood moon morning mother motivated mouse mouth moved movements multiple multiples multiplied multiply
    murder muscle myself narrative native nature nearby nearest necessarily necessary neck need needed needing needs
    negative negotiate neighbor neighborhood neighbors neither nervous neurological neutral newly newspaper nickname
    nights nodes noise nominated non nor normally nose notable notation note noted nothing noticed notices noticing
    noting novel number numbers numerous nursing nuts object objective objects observation observe observed
    observers obsessed obtain obtained obvious occasional occasionally occupied occur occurred occurrence occurring
    occurs ocean odd odds offense offensive offered officer offset okay older oldest ones ongoing onions onto opened
    opening opens operator opponents opportunities opportunity opposing opposite oral ordered ordering ore organ
    organizations organized organs oriented origin original originally originated otherwise ounce ounces outcome
    outdated outdoor ovarian overall overlap overweight owes owned owner owns oxygen pack packages packed packs
    padding page pages paid pain painful painless paint painted paintings pair pale pants parallel paralysis parking
    parks partial partially participants participate participated particular particularly partner pass passed
    passengers passes passing passion pasta path pathology patient patients patterns pays peak pen per perceived
    percent percentage perfect perform performance performed performing performs periods peripheral permanent
    permanently persisted persistent person personal personality personally phase phenomenon phone phones photos
    phrase phrases physical physician piano pick picked picking piece pieces pig pills pink places placing plain
    plane planet planned planted plasma plastic plate platform play played player playing playoffs plays please
    pleasure plenty plot plugging plum pneumonia pointed pointing points poison pole political politicians politics
    pool poorly pop popcorn popularity populations portion position positive possibilities possibility possibly
    potato potatoes potential potentially pound pounds powerful powers practical practice prank precise precisely
    predict predicted prefer pregnant preparation prepare prepared preparing prescribed prescription presence
    present presentation presented preserved pressures pretty prevalence prevent preventing previous previously
    primarily principle printed printer prior private pro probably problem problems procedures process processes
    processing produced produces product productive professionals profile profound program programming progression
    prolonged prominent promise promotion proper properly proportion proportional prospective protect protected
    protective protein proud prove provide provided provider provides psychological psychology published pull pulled
    pulmonary punishment purchased purchases purposes pursue pushed put puts putting puzzle quantity quarters
    question questions quitting quotation quotes radiation radical rain ran range ranged ranges rapid rapidly rarely
    rash rating ratio rational rats reaches reaching reaction reactions reads realistic reality realize realized
    reasonable reasoning rebound receive received receivers receiving recent recently recipe recipes reciprocal
    recognition recognize recognized recommend recommendation recommendations recommended recorded recovered
    recruited recurrence recycling reduced reduction refer referred referring refers reflect refused regard
    regarding regardless regimen region regional regions regret regular regularly rehabilitation relation
    relationship relationships relative relatively relax released relevant reliable relief religion religious remain
    remainder remained remaining remarkable remember reminder reminds remote removal remove removed removing rent
    rented repeated repeatedly repeating repeats replace replaced replacement replacing reply reporting represent
    representation represented representing represents requested require required requirements requires requiring
    residential residents residual resolution resolved respect respectively respond responds response responses
    responsibilities responsible restart restaurant restaurants restrictions result resulted resulting results
    retired returned returning reveal revealed revealing reveals revenge reverse reviewed reviews reward rewritten
    rhythm richest rid rides ridiculous riding right rings rob robot rocket rocks rode roles roll rolled roof rookie
    rooms roots roses rough round rounded routine rows ruled runs rural sad safe safer salad same sample samples
    sandwich sat satisfaction satisfied satisfy saturation saved saves saving saw scale scare scary scattered
    scenario scene scenes schedule scheduled scientist scope score scored scoring scout screening script season
    seasons secondary seconds section sections seeds seeing seem seemed seems segment segments select selected
    selection selling semester send sends sensation sense sensitive sensitivity sent sentence separate separated
    separately seriously serve served serves serving session sessions setting settings seven severe severely sex
    sexual shadow shape shared sharing sheets shelter shelves shift shifting shifts shipping shirt shirts shock
    shocked shocking shoes shoot shooting shorter shorts shot shoulder shoulders showing shown sight signals signed
    significance significant significantly signing similar similarities simple simplest simply simultaneously sin
    sing single sister sit sitting situations size skill skills skin skip slices slides slight slow slower slowly
    smaller smallest smell smoke smoking smooth snack sneak snow so soda sodium soil solar soldiers solid solution
    solutions solve solved solving someday somehow someone sometimes somewhat son songs soon sorry sort sounds
    source spaces speak speaking species specific specifically specified specify specimens spectrum speech speed
    spend spending spent sphere spin spirit splits spontaneously sport spots spread squares stability stable
    stadiums stage stages staging stand standing stands started starting stated statement statements status stayed
    staying steal stealing step stick sticks still stimulating stopped stopping stops storage stored stories strange
    strawberry strength stress stretch strict strictly string strongly structure structures struggling stuck studied
    studio studying stuffed stunning style subjects subsequent subsequently substances substitute substituting
    subtle subtracting success successful successfully such sudden suffer suffered suffering sufficient suggest
    suggested suggesting suggestions suggests suicide suitable sum sums supplements supported supporting supportive
    supports suppose supposed surface surgeon surgery surprise surprised surprises surprising surrounded surrounding
    survival suspect suspected suspended suspicion suspicious sustained swaps swelling swim swimming switched
    symbols symptom symptoms syndrome systemic tables tactic taking tale talent talented talked tall tank targeted
    task taste taught tea teach teacher teaches teaching team teams tear technique telling temperature ten tend
    tenderness tension term termination terms terrible tested testing text thank thanks them themselves theory
    therapeutic therapy therefore thick thin things think thinking thinks though thought thoughts thousand threshold
    threw through throughout throw throwing thrown throws thus ticket tie tight tiny tip tips tired tires title
    together tomatoes tomorrow ton tone tons took topics totaling totally totals touches tournament towards towels
    toxic trace tracks traded tradition traditional traditions trail train trained trains transfer transferred
    transformation transformed transient transition traveled traveling travels trays treat treated treating
    treatment treatments treats trees trend trials trick tricky tried tries triple tripled trips true truly truth
    try trying tuberculosis tubes turn turned turning turnout turns turtle twins type typical typically ugly ulcer
    ultimately unable unchanged unclear uncomfortable undergone underlying understand underwent unfair unfortunately
    uniform uniforms unique unknown unless unlike unlikely unusual upon upset us useful user uses using uterine
    vacation vaccines vaginal valid valuable values valve vanilla variable variation varied variety various vast ve
    vegetables vehicle vein vendor ventilation version versions versus very vessels veteran via vibrant victory
    videos viewing villain violent viral virus visible vision visited visiting visitor visitors visits visual voters
    votes wage wait waiting walk walked walking walks walls wanted wanting wants warehouse warm washes waste watched
    watches watching wave waves weakness wealth weapon weapons wear wearing wears weather web weekdays weekend
    weekends weeks weigh weighing weight weights welcome went were wet whenever whereas whether which whole whom
    wide widely widespread wife willing win window winner wish within without wondered wonderful wondering wooden
    words wore worked working worn worried worse worsened worsening worst wound wrapped writer writers writes
    writing written ya yes yesterday yet yields younger youngest your yourself youth zero zone zoo
    """.split()
)
"""Common words that are no names: with a capital they start a sentence even after an abbreviation or an ellipsis."""

ALSO_NAMES = frozenset(
    """
    a ability about access according account across act action activities activity actor actual actually add added
    additional administration advanced affect after again against age ago agree air alcohol all alone also although
    am among an and another answer antibody any anymore apart appears are area areas around art as assessment
    associated association asthma at automatic average avoid award away baby back bad balance ball bank bar base
    based basketball be because becomes been before began beginning below best big biggest bill billion bills
    birthday black block blue board book books born both bottom bought bring brought brown budget building business
    but buy buying buys by called calls cameras can cancer candy capacity card cards care career careers cars case
    cases cat catch cats center central century certain change changed changes changing charged charges chicken
    child children chip chips chocolate city claims class classic clean clear clearly clinic clinical close closely
    coach code coffee collection college color come comes coming common community company complex computer computers
    concept confidence construction continue continues contract control converts costs could count countries country
    court cover crazy credit crime culture cup current customers cut dad daily damage dance data day days dead deal
    death decided decision defense definitely department design despite development device devices did died digital
    dinner discount disease diseases division do dog dollar don down drive drives driving drug dry due during each
    earned earnings earth easy eat education effect election employees end ended ends energy engineering even
    evening events every everyone everything expect expected express face factors facts failed failure fair fall
    false family fantasy far farm fast father fee feed feel feelings fell fever few field fifth fight film find
    finding finds fine fire first five flow focus food football for force form former forms found four fourth free
    fresh friends from front fruit full fun function further future gain game games gap garden gas general generally
    get gets getting give glass go goal gold gone good got government gray great green group groups grow grows
    growth guys had half hand hard has have having he head health heard heart held help hey high higher his history
    hit home hope horses hospital hotel house how however human hurt i ice ideas identify if impact in includes
    income increase increases increasing index indicate industry information interest international intravenous
    involved is issue issues it its itself job jobs join joint just keep keeping key kind know knowing knows land
    large largest last late later law lead leader league learning leave leaves leaving left leg legal lengths less
    let letter level levels life light like likely limited limits line lines little live local long longer look
    looks loss lost lots love low lower machine made main major make makes making man management many market marks
    mass material matter may maybe me means meant measure meat media medical medicine meet meeting members memory
    men met methods middle might mile million minutes miss mixed model modern money monitor month more most mostly
    motion motor move movement moves movie movies moving much music must my name named names national natural near
    net never new news next nice night nine no none normal not notice now of off offer offers office often old on
    once one only open operation operations opinion option options or order orders other others our out output
    outside over own package paper parent parents park part parts party past pattern pay paying payment people
    perhaps period perspective pet picks picture pizza place placed plan planning plans plant plants players plus
    point police poor popular population portions positions possible post power president pressure price primary
    prime procedure produce production products professional profit programs progressive project property public
    purchase purpose push quality quarter quickly quit quite race radio raise raised random rare rate rates rather
    re reach reached read reading ready real really reason reasons recall receives record records red reduce
    reference related remains repair report reported reports research resources respiratory rest return returns
    revenue review rich ride rights risk road rock role room row rule rules run running safety said salary sale
    sales save savings say saying says school schools science scores screen search seats second secret see seen sees
    sell sells series serious service services set sets several share she shop shopping short should show showed
    shows side sides sign signature signs silver since site situation six sleep sleeping slightly small smart social
    society soft software sold some something somewhere song sorts sound space special split sports spot square
    standard star stars start starts state states station stay steps stop store stores story straight strategies
    strategy street strong student students studies study stuff stupid subject sugar summary summer sun support sure
    system systems table take taken takes talk talking target tax teachers tech technology television tell tells
    tennis test tests than that the their then there these they thing third this those three tickets time times to
    today told too top topic total touch tough tour toward town toy toys track training travel tree trip trouble
    truck tube twice two types under understanding unit units universe university until up upper use used usual
    usually value video view violence visit vital voice volume vote voting wall want was watch water way ways we
    week weekly weighs well what whatever when where while white who whose why wild will winning wins with woman
    women won wonder word work works world worth would write wrong wrote year years you young
    """.split()
)
"""Common words that are also parts of names, as in "Bank of America": they start a sentence after an initial."""
