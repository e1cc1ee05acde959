"""An identity provider needs its own SDK, and nobody else's: extras install one of them."""

import subprocess
import sys

import pytest

WITHOUT = "import sys; sys.modules.update(dict.fromkeys({missing!r})); from pulumi_airlock.identity import Identity, {provider}"


@pytest.mark.parametrize(
    ("provider", "missing"),
    [
        ("Okta", ("pulumi_azuread",)),
        ("Entra", ("pulumi_okta",)),
        ("Oidc", ("pulumi_azuread", "pulumi_okta")),
    ],
)
def test_identity_is_composed_with_the_sdk_of_its_provider_alone(provider: str, missing: tuple[str, ...]) -> None:
    program = WITHOUT.format(missing=missing, provider=provider)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_provider_without_its_sdk_cannot_be_had() -> None:
    program = WITHOUT.format(missing=("pulumi_okta",), provider="Okta")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pulumi_okta" in done.stderr
