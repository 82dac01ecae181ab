"""Words that are looked at twice before they count as somebody's name, and names that are told by them."""

from __future__ import annotations

# Parts that say nothing about anybody by themselves.
_PARTICLES = (
    "abd abdel abu af al ap auf av bin bint da das de degli dei del della den der des di dos du el en et ibn la las"
    " le les lo los och of of't ou san st ten ter the und van vande vander vom von yr zu zum zur and from"
    " الله بن ابن ابو عبد ال بنت"
)
_TITLES = (
    "dr mr mrs ms miss mx prof professor sir lady lord dame rev fr sr sra srta jr sen capt col lt sgt herr frau mme"
    " mlle dona ing mag ii iii iv phd md esq ltd inc llc gmbh"
)
_KIN = (
    "aunt auntie bro brother dad daddy father gran grandad grandma grandpa granny husband ma mam mama mamma maman mom"
    " mommy mother mum mummy mutter nan nana oma opa papa pa sis sister uncle vater wife"
)
_NOTES = (
    "afk away bnc brb busy gone idle lunch offline online sleep sleeping zzz"
    " boss boyfriend business cell chat colleague company dentist ex facebook friend girlfriend group gym home insta"
    " instagram iphone job landlord mobile neighbor neighbour new office old own plumber private school team telegram"
    " tinder uni university whatsapp work"
)
_ROLES = (
    "admin agent ai anonymous assistant bot caller chatbot child client customer doctor employee expert gpt guest host"
    " human interviewee interviewer machine me model moderator myself narrator operator participant patient person"
    " player seller buyer server speaker staff student support system teacher therapist tool unknown user visitor"
    " wizard you ich du moi name phone email link number"
)
PARTICLES_ALONE = frozenset(_PARTICLES.split())
NO_NAMES = frozenset(" ".join([_TITLES, _KIN, _NOTES, _ROLES]).split())
# Names that are everyday words as well: in lower case they are far more often the word.
_EVERYDAY = (
    "all amber angel any april archer art ash august autumn bank banks bar barker basil bat bay bean bear bell berry"
    " best bill birch bird bishop black blaze blue bond bow brand bridge brook brooks brown buck bud bull burns bush"
    " butler can candy carol carpenter case cash chance chase cherry christian chuck clay cliff clover cole coral"
    " cook cool colt cross crystal daisy dash dawn day dean dick did don dot dove drake drew duke dude earl east echo"
    " eden eve faith field fields fish flint forest fox frank free french gale game gene ginger glory gold golden good"
    " grace grant gray green grey guy hall hand happy hardy harmony hart has haven hazel head heath heaven her high"
    " hill his holly honey honor hope house how hunt hunter iris iron ivy jack jade jay jean jewel joy judge june just"
    " justice key kid king kit knight lamb land lane lark lavender law leaf let lily lime little long lot love lucky"
    " mac mace major man mark mars marsh mason maverick max may mercy merry miles mills mint misty moon moss night"
    " noble norm north not nova now oak ocean olive our out pale pansy park parker pat patience peace pearl peg penny"
    " pepper phoenix pierce poet pool poppy pope porter power price prince pure queen rain randy ray red reed rich"
    " rice river rivers rob robin rock rocky rod roman rose rosemary royal ruby rush rusty sage sandy say see shade"
    " sharp short silver sin skip sky small smart snow sol son song spring star stern stone storm strong sue summer"
    " sun sunny sunshine swan sweet swift tan the thorn tiger till time trip troy true van violet wade walker wall war"
    " ward warden was waters way weaver weeks west white who why wild will win winter wise wolf won wood woods yes"
    " young"
)
EVERYDAY = frozenset(_EVERYDAY.split())
SURNAMES = frozenset(
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林高罗羅郑鄭梁谢謝宋唐许許邓鄧韩韓冯馮曹彭曾肖田董潘袁蔡"
    "蒋蔣余杜叶葉程魏苏蘇吕呂丁沈任姚卢盧傅钟鍾姜崔谭譚廖范汪陆陸金戴贾賈韦夏邱方侯邹熊孟秦白江薛尹段雷黎史陶贺顾毛"
    "김이박최정강조윤장임한오서신권황안송류전홍유고문양손배백허남심노하곽성차주우구민진"
)
# Words that look like a short name with its last letter doubled, or with an "s": of Cal, Dan, Tre, Thi, Doe.
_LIKE_NAMES = (
    "add all bass bell bill boss bull buzz call cell class cross dann denn dies does doll dress egg ess fell fill free"
    " full fuzz gall gas glass goes grass hall hell hill ill inn jazz kann kill kiss knee less loss lots mall mann mass"
    " mess mill miss news null odd off pass plus poll press pull rall roll sell shall skill smell soll spell staff"
    " stall still stress tall tell this three thus till toll too tree voll wall well wenn will yell zoo alas"
)
LIKE_NAMES = frozenset(_LIKE_NAMES.split())
