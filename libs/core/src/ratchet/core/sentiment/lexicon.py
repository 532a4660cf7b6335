"""Words of finance and their valence on VADER's scale from -4 to 4.

They override VADER's general lexicon, whose words for everyday feelings say little in a headline and
count at `GENERAL_WEIGHT` only. Words that merely name a topic in finance are neutral.
"""

GENERAL_WEIGHT = 0.35

_BULLISH = {
    3.0: "upgrade upgrades upgraded beat beats soar soars soared soaring surge surges surged surging "
    "outperform outperforms bullish overweight skyrocket skyrockets skyrocketed blowout moon mooning",
    2.4: "jump jumps jumped rally rallies rallied rallying climb climbs climbed rise rises rose gain gains "
    "gained raised raises tops topped exceed exceeds exceeded upside rebound rebounds rebounded "
    "breakout higher accretive upbeat spike spikes spiked recovers recovered boosted buyback buybacks "
    "longs bull bulls",
    1.6: "up boost boosts growth grows grew strong stronger strength profit profits profitable optimism "
    "optimistic positive record highs high approval approves approved expands expansion improve "
    "improves improved improvement rising recovery recover outpaces accelerates accelerating hopes "
    "buy accumulate oversold undervalued green uptrend hodl ath support wins awarded",
}
_BEARISH = {
    -3.0: "downgrade downgrades downgraded miss misses missed plunge plunges plunged plunging tumble "
    "tumbles tumbled plummet plummets plummeted slump slumps slumped bearish underperform "
    "underperforms underweight crash crashes crashed collapse collapses collapsed bankruptcy bankrupt "
    "insolvency default defaults selloff fraud rekt rugpull hacked",
    -2.4: "fall falls fell falling drop drops dropped decline declines declined slide slides slid sink "
    "sinks sank slip slips slipped cut cuts loss losses lower lowers lowered disappoint disappoints "
    "disappointing disappointed halts halted recall recalls lawsuit sues sued probe investigation "
    "layoffs writedown impairment dilution dilutive delisted delisting shortfall bear bears downbeat "
    "recession liquidated liquidation exploit",
    -1.6: "down weak weaker weakness weakens concern concerns worries fears slowdown slows slowing slowed "
    "below warns warning warned pressure pressured lows low risk risks delay delays delayed headwinds "
    "uncertainty overvalued overbought sell short shorts shorting puts downtrend resistance red drag "
    "drags hurt hurts hit coronavirus virus outbreak tariffs inflation layoff suspended suspends "
    "volatile offering reels outflows contraction contracts shrinks shrink deficit negative",
}
_TOPICS = (
    "share shares interest trust security securities fund funds energy united crude gross value "
    "values credit debt vice play playing party challenge challenges gold holders holding holdings "
    "healthy care health free luxury best better top big great like likes treasury treasuries natural "
    "fed active chance mine mining miner charge charges hedge alert alerts please important "
    "interested special solid solutions defense war fire ha want save well "
)

FINANCE = {
    word: valence
    for group in (_BULLISH, _BEARISH, {0.0: _TOPICS})
    for valence, words in group.items()
    for word in words.split()
}

_TARGET = r"(?:price target|target price|target|tgt|pt|guidance|outlook|forecast|dividend)s?"
_VERBS = "sign|signs|set|follow|start|look|come|end|wake|back|line|make|pick|sum|open|opens"

PHRASES: tuple[tuple[str, str], ...] = (
    (rf"\b{_TARGET} (?:raised|lifted|boosted|hiked|upped)\b", "upgraded"),
    (rf"\b(?:raises|raised|boosts|lifts|hikes) (?:its |the )?{_TARGET}\b", "upgraded"),
    (rf"\b{_TARGET} (?:cut|lowered|trimmed|slashed|reduced)\b", "downgraded"),
    (rf"\b(?:cuts?|lowers?|lowered|trims?|slashes|slashed) (?:its |the )?{_TARGET}\b", "downgraded"),
    (r"\bcut (?:to|at)\b", "downgraded"),
    (r"\b(?:raised|lifted|moved up) (?:to|at)\b", "upgraded"),
    (r"\bshort (?:interest|term|squeeze|sellers?)\b", "topic"),
    (r"\b(?:rate|rates|tax|job|production|output|opec|supply) cuts?\b", "topic"),
    (r"\b(?:sell|buy)[- ](?:side|ratings?)\b", "topic"),
    (r"\bstrong buy\b", "outperform"),
    (r"\b(?:sell|selling)[- ]off\b", "selloff"),
    (r"\b(?:all[- ]time|52[- ]week) high\b", "breakout"),
    (r"\b52[- ]week low\b", "slump"),
    (r"\bto the moon\b", "moon"),
    (r"\b(?:narrower|smaller)[- ]than[- ]expected loss\b", "beats"),
    (r"\b(?:better|higher|stronger)[- ]than[- ](?:expected|forecast)\b", "beats"),
    (r"\b(?:worse|lower|weaker)[- ]than[- ](?:expected|forecast)\b", "misses"),
    (rf"\b(?:{_VERBS}) up\b", "topic"),
    (r"\b(?:break|breaks|breaking) down\b", "slump"),
    (r"\bup (?:to|for)\b", "topic"),
)
"""Phrases whose words mislead when read one by one, and the word that stands for each."""
