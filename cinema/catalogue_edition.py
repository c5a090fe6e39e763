"""Whether films and genres are as they were: what processes remember of the catalogue holds for one edition.

Whatever saves or deletes a film or a genre as Django does it is heard here; who writes rows in bulk calls
``catalogue_changed`` in the same transaction.
"""

from __future__ import annotations

from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from cinema.models import CatalogueEdition, Genre, Movie, new_edition


def catalogue_changed() -> None:
    CatalogueEdition.objects.update_or_create(pk=1, defaults={"number": new_edition()})


@receiver([post_save, post_delete], sender=Movie)
@receiver([post_save, post_delete], sender=Genre)
@receiver(m2m_changed, sender=Movie.genres.through)
def _changed(**kwargs: Any) -> None:
    catalogue_changed()
