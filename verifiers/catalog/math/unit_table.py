"""The table of units: what each is worth in base units, and how it is written.

One line a unit: `factor | dimensions | names | symbols | prefixes`.

- factor: exact, in the base units named by the dimensions. Sources: SI brochure 9 (2019) with its exact constants,
  the international yard and pound (1959), US customary volumes, IAU 2012 for the astronomical unit.
- dimensions: base units with exponents ("kg m^2 s^-2"); empty = a plain number.
- names: case does not matter; `~` allows a plural s, `_` is a space. The word prefixes (kilo, 千, ...) apply to the
  names of a line that has prefixes.
- symbols: case matters (mW is not MW).
- prefixes: which SI prefixes go with the symbols: `s` small and large (f p n µ m k M G T P), `c` also c d h,
  `k` only k M G T P, `-` none.

Not convertible on purpose: months and years to days (their lengths differ), degrees to radians (the factor is
irrational), one currency to another, measured constants (dalton) to kilograms.
"""

from __future__ import annotations

TABLE = """
1 | m | meter~ metre~ 米 公尺 | m | c
127/5000 | m | inch inches in 英寸 | ″ " | -
381/1250 | m | foot feet ft 英尺 | ′ ' | -
1143/1250 | m | yard~ yd~ 码 | | -
201168/125 | m | mile~ mi 英里 | | -
1852 | m | nautical_mile~ nmi 海里 | | -
1000 | m | km~ 公里 | | -
1/100 | m | cm~ 公分 | | -
1/1000000 | m | micron~ | | -
1/10000000000 | m | angstrom~ ångström~ | Å Å | -
9460730472580800 | m | light_year~ lightyear~ ly 光年 | | -
149597870700 | m | astronomical_unit~ au 天文单位 | AU | -
1 | parsec | parsec~ 秒差距 | pc | k
500 | m | 里 华里 | | -
10/3 | m | 丈 | | -
1/3 | m | 尺 | | -
1/30 | m | 寸 | | -
1 | m^2 | 平米 | ㎡ | -
10000 | m^2 | hectare~ ha 公顷 | | -
316160658/78125 | m^2 | acre~ 英亩 | | -
2000/3 | m^2 | 亩 | | -
1/1000 | m^3 | liter~ litre~ 升 公升 | L l ℓ | c
1/1000000 | m^3 | cc | | -
1/1000000 | m^3 | ml~ | | -
473176473/125000000000 | m^3 | gallon~ gal~ 加仑 | | -
473176473/500000000000 | m^3 | quart~ qt~ | | -
473176473/1000000000000 | m^3 | pint~ pt~ | | -
473176473/2000000000000 | m^3 | cup~ | | -
473176473/16000000000000 | m^3 | fluid_ounce~ fl_oz | | -
473176473/32000000000000 | m^3 | tablespoon~ tbsp | | -
157725491/32000000000000 | m^3 | teaspoon~ tsp | | -
1/1000 | kg | gram~ gramme~ gm~ 克 | g | c
1 | kg | kg~ kilo~ 公斤 | | -
1000 | kg | tonne~ metric_ton~ 吨 | t | k
90718474/100000 | kg | ton~ short_ton~ | | -
45359237/100000000 | kg | pound~ lb~ lbm 磅 | | -
45359237/1600000000 | kg | ounce~ oz 盎司 | | -
317514659/50000000 | kg | stone | | -
1/2 | kg | 斤 市斤 | | -
1/20 | kg | 两 | | -
1/5000 | kg | carat~ 克拉 | | -
1 | dalton | dalton~ amu | Da | k
1 | s | second~ sec~ 秒 秒钟 | s | s
60 | s | minute~ min~ 分钟 分 | | -
3600 | s | hour~ hr~ 小时 个小时 时 钟头 个钟头 | h | -
86400 | s | day~ 天 日 | d | -
604800 | s | week~ wk~ 周 星期 个星期 礼拜 个礼拜 | | -
1209600 | s | fortnight~ | | -
1 | month | month~ mo~ 月 个月 | | -
1 | year | year~ yr~ 年 岁 周岁 years_old year_old | | -
10 | year | decade~ | | -
100 | year | century centuries 世纪 | | -
1 | degree | degree~ deg~ 度 | ° º | -
1/60 | degree | arcminute~ arcmin~ | | -
1/3600 | degree | arcsecond~ arcsec~ | | -
1 | radian | radian~ rad~ 弧度 | rad | s
1 | revolution | revolution~ rev~ turn~ 转 | | -
1 | steradian | steradian~ | sr | -
1 | K | kelvin~ 开尔文 开 | K | s
1 | s^-1 | hertz hz 赫兹 赫 | Hz | s
1000 | s^-1 | khz | | -
1000000 | s^-1 | mhz | | -
1000000000 | s^-1 | ghz | | -
1/60 | revolution s^-1 | rpm | | -
1 | s^-1 | becquerel~ | Bq | s
1397/3125 | m s^-1 | mph 英里每小时 | | -
5/18 | m s^-1 | kph kmh kmph | | -
463/900 | m s^-1 | knot~ kn kts | | -
381/1250 | m s^-1 | fps | | -
1 | kg m s^-2 | newton~ 牛顿 牛 | N | s
1/100000 | kg m s^-2 | dyne~ dyn | | -
8896443230521/2000000000000 | kg m s^-2 | lbf pound_force pounds_force | | -
196133/20000 | kg m s^-2 | kgf | | -
1 | kg m^2 s^-2 | joule~ 焦耳 焦 | J | s
1/10000000 | kg m^2 s^-2 | erg~ | | -
801088317/5000000000000000000000000000 | kg m^2 s^-2 | electronvolt~ electron_volt~ 电子伏特 电子伏 | eV | s
523/125 | kg m^2 s^-2 | calorie~ 卡 卡路里 | cal | s
4184 | kg m^2 s^-2 | kcal~ 千卡 大卡 | Cal | -
3600 | kg m^2 s^-2 | watt_hour~ | Wh | k
3600000 | kg m^2 s^-2 | kwh 千瓦时 千瓦小时 | | -
52752792631/50000000 | kg m^2 s^-2 | btu~ | | -
1 | kg m^2 s^-3 | watt~ 瓦特 瓦 | W | s
37284993579113511/50000000000000 | kg m^2 s^-3 | horsepower hp 马力 | | -
1 | kg m^-1 s^-2 | pascal~ 帕斯卡 帕 | Pa | c
101325 | kg m^-1 s^-2 | atmosphere~ atm~ 大气压 标准大气压 | | -
100000 | kg m^-1 s^-2 | bar~ | bar | s
20265/152 | kg m^-1 s^-2 | torr | | -
26664477483/200000000 | kg m^-1 s^-2 | mmhg 毫米汞柱 | | -
8896443230521/1290320000 | kg m^-1 s^-2 | psi | | -
1/10 | kg m^-1 s^-1 | poise | | -
1 | A | ampere~ amp~ 安培 安 | A | s
1 | A s | coulomb~ 库仑 库 | C | s
1 | kg m^2 s^-3 A^-1 | volt~ 伏特 伏 | V | s
1 | kg m^2 s^-3 A^-2 | ohm~ 欧姆 欧 | Ω Ω | s
1 | kg^-1 m^-2 s^3 A^2 | siemens mho~ 西门子 | S | s
1 | kg^-1 m^-2 s^4 A^2 | farad~ 法拉 法 | F | s
1 | kg m^2 s^-2 A^-2 | henry~ henries 亨利 亨 | H | s
1 | kg s^-2 A^-1 | tesla~ 特斯拉 | T | s
1/10000 | kg s^-2 A^-1 | gauss 高斯 | G | k
1 | kg m^2 s^-2 A^-1 | weber~ 韦伯 韦 | Wb | s
1 | mol | mole~ 摩尔 摩 | mol | s
1000 | m^-3 mol | molar | M | -
1 | cd | candela~ 坎德拉 | cd | s
1 | cd steradian | lumen~ 流明 | lm | s
1 | cd steradian m^-2 | lux 勒克斯 | lx | s
1 | m^2 s^-2 | gray~ | Gy | s
1 | m^2 s^-2 | sievert~ | Sv | s
1 | m^-1 | diopter~ dioptre~ 屈光度 | | -
1 | decibel | decibel~ db 分贝 | dB | -
1 | bit | bit~ 比特 | | k
1000 | bit | | kb kbit Kb | -
1000000 | bit | | Mb Mbit | -
1000000000 | bit | | Gb Gbit | -
8 | bit | byte~ 字节 | B | k
8000 | bit | | KB | -
8192 | bit | | KiB | -
8388608 | bit | | MiB | -
8589934592 | bit | | GiB | -
1/100 | USD | cent~ | ¢ | -
1 | USD | dollar~ usd buck~ us_dollar~ 美元 美金 | $ US$ ＄ | -
1/100 | USD | cent~ penny pennies 美分 | ¢ ￠ | -
1 | EUR | euro~ eur 欧元 | € | -
1/100 | EUR | euro_cent~ eurocent~ 欧分 | | -
1 | GBP | pound~_sterling gbp quid 英镑 | £ ￡ | -
1/100 | GBP | pence | | -
1 | CNY | yuan rmb cny renminbi 元 块 块钱 圆 人民币 元人民币 | ¥ ￥ | -
1/10 | CNY | jiao 角 毛 毛钱 | | -
1/100 | CNY | fen 分钱 | | -
1 | JPY | yen jpy 日元 円 | | -
1 | INR | rupee~ inr rs 卢比 | ₹ | -
1 | HKD | hkd 港元 港币 | HK$ | -
1 | CAD | cad 加元 | C$ CA$ | -
1 | AUD | aud 澳元 | A$ AU$ | -
1 | KRW | won krw 韩元 | ₩ | -
1 | RUB | ruble~ rouble~ rub 卢布 | ₽ | -
1 | CHF | chf swiss_franc~ 瑞士法郎 | | -
1 | MXN | peso~ mxn 比索 | | -
1 | | unit~ 单位 个单位 | | -
"""
"""Hand-checked by `tests/test_math_units.py`, which derives the composed factors (acre, psi, hp ...) anew."""

OFFSET_UNITS = {
    "1": "°C ºC ℃ degC degree_celsius degrees_celsius degree_centigrade degrees_centigrade celsius centigrade 摄氏度",
    "5/9": "°F ºF ℉ degF degree_fahrenheit degrees_fahrenheit fahrenheit 华氏度",
}
"""Temperatures whose zero is not 0 K, by factor; alone they carry an offset, in a product they are intervals."""
OFFSETS = {"1": "5463/20", "5/9": "45967/180"}
"""Kelvins at the zero of those scales: 273.15 and 459.67 * 5/9."""

SYMBOL_PREFIXES = {
    "f": -15, "p": -12, "n": -9, "µ": -6, "μ": -6, "u": -6, "m": -3, "c": -2, "d": -1, "h": 2, "k": 3, "M": 6,
    "G": 9, "T": 12, "P": 15,
}  # fmt: skip
PREFIX_CLASSES = {"s": "fpnµμumkMGTP", "c": "fpnµμumcdhkMGTP", "k": "kMGTP", "-": ""}
WORD_PREFIXES = {
    "femto": -15, "pico": -12, "nano": -9, "micro": -6, "milli": -3, "centi": -2, "deci": -1, "deca": 1, "hecto": 2,
    "kilo": 3, "mega": 6, "giga": 9, "tera": 12, "peta": 15,
}  # fmt: skip

CHINESE_PREFIXES = {"纳": -9, "微": -6, "毫": -3, "厘": -2, "分": -1, "千": 3, "兆": 6, "吉": 9}
