"""Drawings of the goods. They take their colours from the style sheet, in light and in dark."""

from __future__ import annotations

from .markup import Html

_OPEN = '<svg class="art" viewBox="0 0 240 170" role="presentation" aria-hidden="true">'
_SHADOW = '<ellipse class="shade" cx="120" cy="148" rx="66" ry="7"/>'


def _drawing(shapes: str) -> Html:
    return Html(f"{_OPEN}{_SHADOW}{shapes}</svg>")


ART = {
    "lantern": _drawing("""
<circle class="halo" cx="120" cy="96" r="62"/>
<path class="line" d="M98 52C98 22 142 22 142 52"/>
<path class="a" d="M96 62 108 48H132L144 62Z"/>
<rect class="pale" x="100" y="62" width="40" height="62" rx="4"/>
<path class="glow" d="M120 76C132 92 134 98 131 106A11 11 0 0 1 109 106C106 98 110 92 120 76Z"/>
<path class="spark" d="M120 94C126 102 126 105 125 109A5 5 0 0 1 115 109C114 105 116 101 120 94Z"/>
<path class="line" d="M100 62V124M140 62V124"/>
<path class="a" d="M94 124H146L150 148H90Z"/>
<path class="b" d="M91 140H149L150 148H90Z"/>
"""),
    "kettle": _drawing("""
<path class="line wide" d="M84 76C84 18 156 18 156 76"/>
<path class="b" d="M158 92 188 70 196 78 162 126Z"/>
<path class="a" d="M88 76H152C166 92 172 118 168 142Q167 148 160 148H80
Q73 148 72 142C68 118 74 92 88 76Z"/>
<path class="b" d="M71 130H169L168 142Q167 148 160 148H80Q73 148 72 142Z"/>
<path class="ink" d="M96 76C98 64 142 64 144 76Z"/>
<circle class="ink" cx="120" cy="62" r="6"/>
<path class="shine" d="M90 92C83 104 81 114 82 124"/>
<path class="steam" d="M196 62C190 54 202 48 196 38M210 60C205 54 214 48 210 40"/>
"""),
    "mug": _drawing("""
<path class="handle" d="M152 82H166A20 20 0 0 1 166 122H152"/>
<path class="a" d="M82 64H156V136Q156 148 144 148H94Q82 148 82 136Z"/>
<path class="b" d="M82 128H156V136Q156 148 144 148H94Q82 148 82 136Z"/>
<rect class="ink" x="78" y="60" width="82" height="8" rx="4"/>
<path class="speck" d="M97 84h.01M118 98h.01M138 82h.01M104 114h.01M132 116h.01
M143 102h.01M120 78h.01"/>
<path class="steam" d="M104 48C98 40 110 34 104 24M122 50C115 40 129 34 122 20
M140 48C134 40 146 34 140 26"/>
"""),
    "candle": _drawing("""
<circle class="halo" cx="120" cy="46" r="44"/>
<path class="glow" d="M120 18C134 36 136 44 132 52A13 13 0 0 1 108 52C104 44 108 36 120 18Z"/>
<path class="spark" d="M120 38C126 46 127 50 126 54A6 6 0 0 1 114 54C113 50 116 45 120 38Z"/>
<path class="line" d="M120 56V68"/>
<path class="a" d="M100 74Q100 66 108 66H132Q140 66 140 74V138H100Z"/>
<path class="b" d="M100 74Q100 66 108 66H132Q140 66 140 74V92
Q134 98 131 88T122 86Q120 104 114 96T100 84Z"/>
<path class="handle" d="M166 132A12 12 0 1 1 166 146"/>
<path class="ink" d="M72 134H168Q166 148 152 148H88Q74 148 72 134Z"/>
"""),
    "notebook": _drawing("""
<g transform="rotate(-7 120 96)">
<rect class="b" x="78" y="40" width="88" height="108" rx="6"/>
<rect class="pale" x="80" y="38" width="84" height="106" rx="3"/>
<rect class="a" x="76" y="34" width="86" height="108" rx="6"/>
<path class="b" d="M82 34H90V142H82A6 6 0 0 1 76 136V40A6 6 0 0 1 82 34Z"/>
<rect class="pale" x="104" y="56" width="42" height="22" rx="2"/>
<path class="thin" d="M111 64H139M111 70H129"/>
<path class="line" d="M150 34V142"/>
</g>
<path class="glow" d="M176 138 196 60 206 63 186 140 178 148Z"/>
<path class="ink" d="M196 60 198 52Q204 48 208 55L206 63ZM176 138 186 140 178 148Z"/>
"""),
    "blanket": _drawing("""
<rect class="b" x="58" y="114" width="124" height="34" rx="14"/>
<rect class="a" x="62" y="84" width="116" height="34" rx="14"/>
<path class="pale" d="M92 84H104V118H92ZM112 84H118V118H112Z"/>
<rect class="b" x="66" y="54" width="108" height="34" rx="14"/>
<path class="a" d="M80 54H160A14 14 0 0 1 174 68V78H66V68A14 14 0 0 1 80 54Z"/>
<path class="pale" d="M92 54H104V134H92ZM112 54H118V134H112Z"/>
<path class="fringe" d="M93 136V145M98 136V145M103 136V145M113 136V145M118 136V145"/>
<path class="shine" d="M132 66H156"/>
"""),
}

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="8" fill="#2a3348"/>'
    '<path d="M11 10C11 4 21 4 21 10" fill="none" stroke="#e0a84a" stroke-width="2"/>'
    '<path d="M10 11H22L20.500 25H11.500Z" fill="#46547a"/>'
    '<path d="M16 12C20 17 20 23 16 23S12 17 16 12Z" fill="#ffb84d"/>'
    '<path d="M9 10H23V12H9ZM10 24H22V27H10Z" fill="#e0a84a"/></svg>'
)

EMPTY_CART = Html("""<svg class="art small" viewBox="0 0 120 80" aria-hidden="true">
<path class="line" d="M38 32C40 10 80 10 82 32"/>
<path class="pale" d="M22 32H98L88 68Q87 72 82 72H38Q33 72 32 68Z"/>
<path class="thin" d="M26 44H94M30 56H90M48 32 52 72M72 32 68 72"/>
</svg>""")
