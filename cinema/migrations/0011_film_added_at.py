from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cinema", "0010_movie_nights")]

    operations = [
        # Without a default first: of the films that are there nobody knows when they came.
        migrations.AddField(
            "movie", "added_at", models.DateTimeField(null=True, editable=False, db_index=True)
        ),
        migrations.AlterField(
            "movie",
            "added_at",
            models.DateTimeField(null=True, default=django.utils.timezone.now, editable=False, db_index=True),
        ),
    ]
