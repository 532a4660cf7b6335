"""Which universes a run has a model for, told before it starts."""

from rich.console import Console

from ratchet.cli.errors import CommandError
from ratchet.cli.home import Home
from ratchet.common.platform import Platform


def tell_models(console: Console, platform: Platform) -> None:
    """Print which universes have a model in production. Raises CommandError for a damaged one."""
    # Takes a second to import, which `ratchet --help` need not.
    from ratchet.core.models import ModelError, ModelStore

    folder = Home.find().models
    store = ModelStore(folder)
    try:
        versions = {universe: store.production(universe) for universe in platform.registry.universes}
    except ModelError as error:
        raise CommandError(f"{error}: delete it in {folder}, or train again with `ratchet train`") from error
    having = [f"{universe} {version}" for universe, version in versions.items() if version]
    lacking = [universe for universe, version in versions.items() if not version]
    if having:
        console.print(f"models: {', '.join(having)}", soft_wrap=True)
    if lacking:
        what = "model_based gives no signal there, train one with `ratchet train`"
        console.print(f"no model: {', '.join(lacking)} ({what})", soft_wrap=True)
