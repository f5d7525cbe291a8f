"""`foveate keys`: who may talk to whom. Also what `serve` and `device` make of their options about keys."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from foveate.network.security import DeviceKeys, ServerKeys

app = typer.Typer(no_args_is_help=True, help="Key pairs, and the list of keys that a server allows.")

EXAMPLE = "Example: foveate keys new"
NEW_EXAMPLE = "Example: foveate keys new --out keys"
ALLOW_EXAMPLE = (
    "Example: foveate keys allow foveate-public-3b4fc2a7d10c05ee92f2a0d7db2a1c44b5a1f0f70e3a8c11b6ad52a4c4d2f37e"
    " --name camera-1"
)


@app.command(epilog=NEW_EXAMPLE)
def new(
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where it is written. Default: $FOVEATE_HOME/keys.")
    ] = None,
) -> None:
    """Make this machine's key pair, and print the public key, which the other end needs.

    secret.key stays on this machine and is readable by its owner only; public.key may be given to anybody.
    """
    from foveate.cli.outputs import folder_for
    from foveate.network.keys import KeyPair, default_folder, format_public, write_key_pair

    folder = default_folder() if out is None else out
    pair = KeyPair.new()
    write_key_pair(folder_for(folder), pair)
    typer.echo(f"a new key pair lies in {folder}; its public key:", err=True)
    typer.echo(format_public(pair.public))


@app.command(epilog=ALLOW_EXAMPLE)
def allow(
    *,
    key: Annotated[str, typer.Argument(metavar="KEY|FILE", help="A device's public key, or a file that holds it.")],
    name: Annotated[str, typer.Option(help="What the list calls it.")] = "",
    allowed: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="The list. Default: $FOVEATE_HOME/keys/allowed.")
    ] = None,
) -> None:
    """Let a device in: add its key to the list of a server, which need not be started again.

    To take a key away, delete its line.
    """
    from foveate.core import InputError
    from foveate.network.keys import ALLOWED_FILE, default_folder, read_public
    from foveate.network.keys import allow as add

    if not name.isprintable():
        raise InputError("a name is one line of text")
    path = default_folder() / ALLOWED_FILE if allowed is None else allowed
    added = add(path, read_public(key), name)
    typer.echo(f"{'added to' if added else 'is already in'} {path}")


def server_keys(address: str, keys: Path | None, allow: Path | None, *, insecure: bool) -> "ServerKeys | None":
    """What a server encrypts with; None where nothing needs to be encrypted and nobody asked for it.

    `keys`: folder of its pair; `allow`: list of devices. Raises `InputError`.
    """
    from foveate.core import InputError
    from foveate.network.keys import ALLOWED_FILE, default_folder, read_key_pair
    from foveate.network.security import AllowedKeys, ServerKeys, is_loopback

    wanted = keys is not None or allow is not None
    if insecure and wanted:
        raise InputError("--insecure encrypts nothing: leave it out, or --keys and --allow")
    if insecure or (is_loopback(address) and not wanted):
        return None
    folder = default_folder() if keys is None else keys
    pair = read_key_pair(folder)
    return ServerKeys(pair=pair, allowed=AllowedKeys(folder / ALLOWED_FILE if allow is None else allow))


def told(keys: "ServerKeys | None") -> str:
    """What a server's greeting says of encryption; a device needs the key."""
    from foveate.network.keys import format_public

    if keys is None:
        return ", not encrypted"
    return f", encrypted for {len(keys.allowed)} devices that name --server-key {format_public(keys.pair.public)}"


def device_keys(server: str, server_key: str | None, keys: Path | None, *, insecure: bool) -> "DeviceKeys | None":
    """What a device encrypts with; None where nothing needs to be encrypted and nobody asked for it.

    `server_key`: a public key, or a file that holds it; `keys`: folder of the device's pair. Raises `InputError`.
    """
    from foveate.core import InputError
    from foveate.network.keys import default_folder, read_key_pair, read_public
    from foveate.network.security import DeviceKeys, is_loopback

    if server_key is not None:
        if insecure:
            raise InputError("--insecure encrypts nothing: leave it out, or --server-key")
        pair = read_key_pair(default_folder() if keys is None else keys)
        return DeviceKeys(pair=pair, server=read_public(server_key))
    if keys is not None:
        raise InputError("--keys needs --server-key: a device encrypts for the one server that it trusts")
    if not insecure and not is_loopback(server):
        raise InputError(f"{server} is not on this machine: name its public key with --server-key")
    return None
