"""Settings that cannot work are refused when they are read, in words that say what to change."""

import pytest
from pydantic import SecretStr, ValidationError

from app.settings import Settings, unknown_variables


def refusal(**given: str) -> str:
    with pytest.raises(ValidationError) as refused:
        Settings(**given)  # type: ignore[arg-type]
    return str(refused.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://x/y", "begins with sqlite:// or postgresql://"),
        ("kos.db", "begins with sqlite:// or postgresql://"),
        ("sqlite://", "is a file"),
        ("sqlite:///:memory:", "is a file"),
        ("sqlite:///file:kos.db", "is a file"),
        ("sqlite://kos.db", "is a file"),
        ("sqlite:///kos.db?mode=ro", "unknown option 'mode' in the database URL; SQLite takes none"),
        ("postgresql://kos@db/kos?sslmode=require", "unknown option 'sslmode'"),
        ("postgresql://kos@db/kos?host=a&host=b", "'host' stands twice"),
        ("postgresql://kos@db/kos?ssl=yes", "ssl in the database URL must be one of disable"),
        ("postgresql://kos@db:kos/kos", "is its port a number?"),
        ("postgresql://kos@db:0/kos", "number from 1 to 65535"),
        ("postgresql://kos@db:65536/kos", "number from 1 to 65535"),
        ("postgresql://kos@db/kos?port=x", "number from 1 to 65535"),
    ],
)
def test_database_url_that_cannot_work_is_refused(url: str, told: str):
    assert told in refusal(database_url=url)


@pytest.mark.parametrize(
    ("url", "understood"),
    [
        ("sqlite:///kos.db", "sqlite+aiosqlite:///kos.db"),
        ("sqlite+aiosqlite:////var/lib/kos/kos.db", "sqlite+aiosqlite:////var/lib/kos/kos.db"),
        ("postgres://kos@db:65535/kos", "postgresql+asyncpg://kos@db:65535/kos"),
        ("postgresql://kos@/kos?host=/run/pg&port=5433", "postgresql+asyncpg://kos@/kos?host=/run/pg&port=5433"),
        ("postgresql://kos@db/kos?ssl=verify-full", "postgresql+asyncpg://kos@db/kos?ssl=verify-full"),
    ],
)
def test_database_url_is_taken_as_others_write_it(url: str, understood: str):
    assert Settings(database_url=url).database_url == understood


def test_refused_url_keeps_its_password_to_itself():
    assert "hunter2" not in refusal(database_url="postgresql://kos:hunter2@db/kos?sslmode=require")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("localhost:6379", "begins with redis:// or rediss://"),
        ("unix:///run/redis", "begins with redis:// or rediss://"),
        ("redis://", "names a host"),
        ("redis://:hunter2@", "names a host"),
        ("redis://redis:0", "names a host, and a port"),
        ("redis://redis:hunter2", "is its port a number"),
        ("redis://redis:65536", "is its port a number"),
        ("redis://redis/hunter2", "the number of a database"),
        ("redis://redis?ssl_ca_certs=/ca.pem", "unknown option 'ssl_ca_certs'"),
        ("rediss://redis?ssl=yes", "unknown option 'ssl' in the Redis URL; rediss:// takes ssl_ca_certs"),
    ],
)
def test_redis_url_that_cannot_work_is_refused(url: str, told: str):
    said = refusal(redis_url=url)

    assert told in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "url", ["", "redis://redis", "redis://:hunter2@redis:6380/3", "rediss://lin:hunter2@[::1]?ssl_ca_certs=/ca.pem"]
)
def test_redis_url_is_kept_as_it_is_given_and_not_shown(url: str):
    settings = Settings(redis_url=SecretStr(url))

    assert settings.redis_url.get_secret_value() == url
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("name", ["JSON", "text", ""])
def test_log_format_is_one_of_two(name: str):
    assert "'console' or 'json'" in refusal(log_format=name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KOS_DATABSE_URL", "KOS_DATABASE_URL"),
        ("KOS_DATABASEURL", "KOS_DATABASE_URL"),
        ("KOS_ADMIN_KEYS", "KOS_ADMIN_KEY"),
        ("KOS_DRAIN_SECOND", "KOS_DRAIN_SECONDS"),
        ("KOS_TAIL_INTERVALL_MS", "KOS_TAIL_INTERVAL_MS"),
        # What Kubernetes sets for a service of the name `kos`, and what nobody can guess.
        ("KOS_PORT", ""),
        ("KOS_SERVICE_HOST", ""),
        ("KOS_SERVICE_PORT", ""),
        ("KOS_PORT_8000_TCP_ADDR", ""),
        ("KOS_REDDIS_URL", "KOS_REDIS_URL"),
    ],
)
def test_variable_that_is_no_setting_is_found_with_the_one_that_was_meant(name: str, meant: str):
    assert unknown_variables(["PATH", name, "KOS_ADMIN_KEY"]) == {name: meant}


def test_settings_in_small_letters_and_variables_of_the_tests_are_not_unknown():
    names = [f"kos_{name}" for name in Settings.model_fields]

    assert unknown_variables([*names, "KOS", "KOSTEN", "KOS_TEST_LONG", "KOS_CHROMIUM"]) == {}
