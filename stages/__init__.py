"""The Typer commands, one thin file each."""
