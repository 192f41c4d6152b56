"""The cases of gradients, by what they are about: a scene, a parameter and a direction each."""

from tests.gradient.cases.appearance import APPEARANCE, LAYERS
from tests.gradient.cases.buffer_losses import BUFFERS
from tests.gradient.cases.contact import CONTACT
from tests.gradient.cases.fine import FINE
from tests.gradient.cases.interior import INTERIOR
from tests.gradient.cases.passing import PASSING
from tests.gradient.cases.piercing import PIERCED
from tests.gradient.cases.primary import PRIMARY, REFLECTED, SMOOTH
from tests.gradient.cases.shadows import SHADOWS

INTERIOR_CASES = APPEARANCE + LAYERS + PASSING + INTERIOR
PRIMARY_CASES = PRIMARY + SMOOTH + REFLECTED + BUFFERS + PIERCED
SHADOW_CASES = SHADOWS + CONTACT + FINE
CASES = INTERIOR_CASES + PRIMARY_CASES + SHADOW_CASES
