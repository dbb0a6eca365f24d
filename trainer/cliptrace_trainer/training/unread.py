"""What an epoch says of videos that it could not read, and of files that never made it into the dataset."""

from collections.abc import Iterable

from ..data.prepared import FAILURES_NAME, PreparedDataset

_UNDECODED_NAMED = 20


def unread_lines(*, lost: Iterable[str], dataset: PreparedDataset) -> list[str]:
    """One line for each kind that there is. `lost`: ids that this epoch met, in any order, repeated or not."""
    lines = []
    if names := sorted(set(lost)):
        lines.append(
            f"{len(names)} video(s) could not be read in this epoch, others stood in their places: {', '.join(names)}; "
            "run the same `prepare` again, it decodes what is not there"
        )
    if undecoded := dataset.undecoded:
        more = len(undecoded) - _UNDECODED_NAMED
        named = ", ".join(undecoded[:_UNDECODED_NAMED]) + (f" and {more} more" if more > 0 else "")
        lines.append(
            f"{len(undecoded)} file(s) took no part, `prepare` could not decode them: {named}; "
            f"the reasons are in {dataset.folder / FAILURES_NAME}"
        )
    return lines
