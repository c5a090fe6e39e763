from django.db import migrations, models

import cinema.models.editions


def first_edition(apps, schema_editor):
    apps.get_model("cinema", "CatalogueEdition").objects.create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("cinema", "0012_audit_and_resets")]

    operations = [
        migrations.CreateModel(
            name="CatalogueEdition",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.BigIntegerField(default=cinema.models.editions.new_edition)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="only_one_catalogue_edition")
                ],
            },
        ),
        migrations.AddField(
            model_name="user",
            name="edition",
            field=models.BigIntegerField(default=cinema.models.editions.new_edition, editable=False),
        ),
        migrations.RunPython(first_edition, migrations.RunPython.noop),
    ]
