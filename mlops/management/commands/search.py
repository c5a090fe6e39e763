"""``manage.py search``: a search for better hyper-parameters in the foreground."""

from __future__ import annotations

import logging
import sys
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mlops import judgement, judgement_words, runs, searches
from mlops.models import Search, TrainingRun, Trial
from mlops.progress_bar import progress_bar
from mlops.searches import DEFAULT_TRIALS, MAX_MINUTES, MAX_TRIALS, LostRun, SearchError
from mlops.searching import Watched, carry_out
from mlops.training import Progress
from recommender.algorithms.presets import DEFAULT_PRESET, PRESETS


class Command(BaseCommand):
    help = "Searches for hyper-parameters that are better than a preset's, on validation ratings. It can be resumed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--preset", choices=list(PRESETS), default=DEFAULT_PRESET, help="what it starts from")
        parser.add_argument("--objective", choices=Search.Objective.values, default=Search.Objective.RMSE.value)
        parser.add_argument("--trials", type=int, metavar="N", help=f"end after N trials (default {DEFAULT_TRIALS})")
        parser.add_argument("--minutes", type=int, metavar="M", help="end when trials have taken so long")
        parser.add_argument("--seed", type=int, default=0, help="of what is proposed")
        parser.add_argument("--resume", type=int, metavar="ID", help="go on with this search instead")
        parser.add_argument(
            "--judge", action="store_true", help="judge the best trial and the preset on the test part afterwards"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._seen: Trial | None = None
        if options["verbosity"] < 2:
            # What is told here is the same as what goes into the log of a search in the background.
            logging.getLogger("mlops.searching").setLevel(logging.WARNING)
        search = self._resumed(options) if options["resume"] is not None else self._started(options)
        if search.seconds:
            self._tell(search)
        if options["judge"]:
            self._judge(search)

    def _started(self, options: dict[str, Any]) -> Search:
        trials, minutes = options["trials"], options["minutes"]
        if trials is None and minutes is None:
            trials = DEFAULT_TRIALS
        for name, value, most in (("--trials", trials, MAX_TRIALS), ("--minutes", minutes, MAX_MINUTES)):
            if value is not None and not 1 <= value <= most:
                raise CommandError(f"{name} must be from 1 to {most}.")
        if not 0 <= options["seed"] < 2**31:
            raise CommandError("--seed must be a whole number below 2³¹, not negative.")
        try:
            run, owner = searches.begin_search(
                preset=options["preset"],
                objective=options["objective"],
                max_trials=trials,
                max_minutes=minutes,
                seed=options["seed"],
            )
        except runs.TrainingInProgress as error:
            raise CommandError(f"Run {error.run_id} is still in progress. Cancel it or wait.") from error
        return self._carry_out(run, owner)

    def _resumed(self, options: dict[str, Any]) -> Search:
        searches.sweep()
        search = Search.objects.filter(pk=options["resume"]).first()
        if search is None:
            raise CommandError(f"There is no search {options['resume']}.")
        if options["judge"] and not search.is_active and not search.can_resume:
            return search
        try:
            run, owner = searches.resume_in_foreground(search)
        except SearchError as error:
            raise CommandError(str(error)) from error
        except runs.TrainingInProgress as error:
            raise CommandError(f"Run {error.run_id} is still in progress. Cancel it or wait.") from error
        return self._carry_out(run, owner)

    def _carry_out(self, run: TrainingRun, owner: UUID) -> Search:
        number = run.search_id
        self.stdout.write(f"Search {number}, run {run.pk}.")
        go_on = f"Go on with: manage.py search --resume {number}"
        try:
            with runs.heartbeat(run.pk, owner):
                search = carry_out(run.pk, owner, watch=self._show)
        except KeyboardInterrupt as error:
            runs.finish(run.pk, owner, TrainingRun.Status.CANCELLED, error="Stopped at the terminal.")
            raise CommandError(f"Stopped. {go_on}") from error
        except LostRun as error:
            # Somebody pressed "cancel" on its page: here there is no supervisor to settle it.
            if runs.finish(run.pk, owner, TrainingRun.Status.CANCELLED):
                raise CommandError(f"The search was cancelled. {go_on}") from error
            raise CommandError(f"The search was ended. {error}") from error
        except Exception as error:
            raise CommandError(f"The search failed: {error}") from error
        self._clear()
        self._tell_trial(self._seen)
        return search

    def _show(self, watched: Watched) -> None:
        if self._seen is not None and self._seen.pk != watched.trial.pk:
            self._clear()
            self._tell_trial(self._seen)
        self._seen = watched.trial
        search = watched.search
        self._line(
            Progress(f"trial {watched.trial.number}", search.progress, watched.epoch, watched.n_epochs),
            f"best {_shown(search, search.best)}",
        )

    def _line(self, progress: Progress, more: str = "") -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{progress_bar(progress)} {more}", ending="")
            self.stderr.flush()

    def _clear(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("\r\x1b[K", ending="")

    def _tell_trial(self, trial: Trial | None) -> None:
        if trial is None:
            return
        trial = Trial.objects.get(pk=trial.pk)
        figures = f"RMSE {trial.rmse:.4f}  NDCG@10 {trial.ndcg:.4f}" if trial.rmse and trial.ndcg is not None else ""
        settings = ", ".join(f"{name} {value}" for name, value in trial.parameters.items())
        label = f"{trial.number:4}  {trial.get_state_display():9} {trial.seconds or 0:6.1f} s"
        self.stdout.write(f"{label}  {figures:33} {settings}")

    def _tell(self, search: Search) -> None:
        best, preset = search.best, search.of_preset
        self.stdout.write(f"{len(search.done)} trials in {search.seconds:.0f} s.")
        if best is not None:
            self.stdout.write(f"Best is trial {best.number}: {_shown(search, best)} on the validation ratings.")
        if best is not None and preset is not None:
            beats = "beats" if best.pk != preset.pk else "does not beat"
            self.stdout.write(f"It {beats} the preset {search.preset} there ({_shown(search, preset)}).")
        for name, share in search.importances.items():
            self.stdout.write(f"  {name:16} {share:4.0%} of what tells good trials from the rest")
        for note in search.notes:
            self.stdout.write(f"Note: {note}")

    def _judge(self, search: Search) -> None:
        try:
            found = judgement.judge(search, watch=lambda name, progress: self._line(progress, name))
        except Exception as error:
            raise CommandError(f"It could not be judged: {error}") from error
        self._clear()
        self.stdout.write(f"{'on the test part':24}{'preset':>28}{'best':>28}")
        for name, of_preset in found["preset"].items():
            self.stdout.write(f"  {name:22}{_interval(of_preset):>28}{_interval(found['best'][name]):>28}")
        self.stdout.write(judgement_words.verdict(search.preset, found))


def _shown(search: Search, trial: Trial | None) -> str:
    return f"{search.measure} {trial.value:.4f}" if trial is not None and trial.value is not None else "none yet"


def _interval(metric: dict[str, Any]) -> str:
    extent = f" [{metric['interval'][0]:.4f}, {metric['interval'][1]:.4f}]" if metric["interval"] else ""
    return f"{metric['value']:.4f}{extent}"
