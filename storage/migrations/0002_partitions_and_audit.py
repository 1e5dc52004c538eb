"""What Django has no words for: tables partitioned by day, the audit chain, times for people."""

from django.db import migrations

from storage import audit, partitions

TIME = """
CREATE FUNCTION time_of(ns bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT timestamptz 'epoch' + ns / 1000 * interval '1 microsecond' $$
"""


class Migration(migrations.Migration):
    dependencies = [("storage", "0001_initial")]
    operations = [
        migrations.RunPython(partitions.create),
        migrations.RunPython(audit.create),
        migrations.RunSQL(TIME),
    ]
