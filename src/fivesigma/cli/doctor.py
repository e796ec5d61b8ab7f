"""`fivesigma doctor`."""

from fivesigma.cli.console import Terminal
from fivesigma.cli.options import Json, Quiet


def doctor(quiet: Quiet = False, as_json: Json = False) -> None:
    """Show which libraries work, what each extra adds, which devices, cores and memory can be used, and what to install."""
    from fivesigma.cache import in_words
    from fivesigma.verbs import doctor

    terminal = Terminal(quiet, as_json)
    found = doctor.doctor(terminal.progress)
    if as_json:
        terminal.document(found.to_json())
        return
    terminal.say(f"fivesigma {found.fivesigma}, Python {found.python}, {found.system}")
    rows = [
        [each.package, each.version or "–", each.problem or ("works" if each.works else "missing")] for each in found.core
    ]
    terminal.table("libraries", ["library", "version", "state"], rows, words=("version", "state"))
    extras = [[each.name, each.state, each.brings, each.command] for each in found.extras]
    terminal.table("extras", ["extra", "state", "brings", "install"], extras, words=("state", "brings", "install"))
    programs = [[name, row["path"] or "–", row["for"]] for name, row in found.programs.items()]
    terminal.table("programs", ["program", "where", "for"], programs, words=("where", "for"))
    usable, free = found.memory["usable"], found.memory["free"]
    terminal.say(f"devices: {', '.join(dict.fromkeys(found.devices)) or 'none'}")
    terminal.say(f"cores: {found.cores['usable']} of {found.cores['all']} usable")
    terminal.say(f"memory: {in_words(usable) if usable else '?'} usable, {in_words(free) if free else '?'} free")
    caches = [[row["name"], row["what"], f"{row['files']:,}", in_words(row["bytes"])] for row in found.caches]
    writable = "" if found.cache_writable else " (cannot be written)"
    terminal.table(f"caches in {found.cache_place}{writable}", ["cache", "what", "files", "size"], caches, words=("what",))
    layouts = ", ".join(dict.fromkeys(str(row["layout"]) for row in found.layouts))
    terminal.say(f"layouts remembered: {len(found.layouts)}" + (f" ({layouts})" if layouts else ""))
    for sentence in found.advice:
        terminal.say(f"! {sentence}")
    missing = [each.name for each in found.extras if each.state == "missing"]
    if missing:
        terminal.say(f"everything else: pip install 'fivesigma[{','.join(missing)}]'")
    elif not found.advice:
        terminal.say("everything is installed and works")
