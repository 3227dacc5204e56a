"""Settings: what is wrong is named, nothing of a value is shown, and a name that only looks like one is told."""

from pathlib import Path

import pytest

from sync.errors import ConfigurationError
from sync.settings import Settings, look_alikes, read_settings

SECRET = "s3cr3t"


def refused(**values: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(_env_file=None, **values)
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"smtp://bot:123#{SECRET}@mail.example:587",
        f"smtp://bot:{SECRET}#x@mail.example:587",
        f"smtps://bot:1/{SECRET}@mail.example",
        f"smtp://bot:{SECRET}?x@mail.example",
        f"smtp://bot:12[{SECRET}@mail.example",
        f"smtp://bot:x@mail.example:{SECRET}",
        f"smtp://{SECRET}:/mail.example",
        f"smtp://bot:℀{SECRET}@mail.example",
        f"smtp://mail.example/{SECRET}",
        f"smtp:{SECRET}",
        f"{SECRET}://mail.example",
        f"hubspot:{SECRET}",
    ],
)
def test_no_error_shows_the_value(url: str) -> None:
    """A password holds any letter: what is refused names the setting and what to write, and quotes nothing."""
    said = refused(email_url=url)
    assert said.startswith("EMAIL_URL: must ")
    assert SECRET not in said
    if url.startswith(("smtp://bot", "smtps://bot")):
        assert "%23" in said


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_no_setting_shows_a_value_that_it_refuses(name: str) -> None:
    said: object
    try:
        said = read_settings(_env_file=None, **{name: f"{SECRET}://[{SECRET}:{SECRET}"})
    except ConfigurationError as error:
        said = error
    else:
        if name in {"mapping", "hubspot_app_id", "email_from", "admin_email"}:
            return  # nothing of these is secret
    assert SECRET not in f"{said!r} {said}"


def test_an_escaped_password_is_taken_as_it_is() -> None:
    url = "smtp://bot%40agency:a%23b%2Fc@mail.example:587"
    assert read_settings(_env_file=None, email_url=url).email_url == url


@pytest.mark.parametrize(
    "url", ["https://amy:secret@hooks.example.com", "https://hooks.example.com?x=1", "https://hooks.example.com#x"]
)
def test_a_web_address_is_no_more_than_that(url: str) -> None:
    assert refused(public_url=url).startswith("PUBLIC_URL: must be http")


def test_a_name_that_looks_like_a_setting_is_told(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("ADMIN_MAIL=a@agency.example\nMAPING=own.yaml\nPORT=8000\nSENTRY_DSN=x\npoll_seconds=60\n")
    assert look_alikes(env) == {"ADMIN_MAIL": "ADMIN_EMAIL", "MAPING": "MAPPING"}
