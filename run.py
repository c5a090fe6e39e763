#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""Sets CINÉMA up and starts it.

    python3 run.py [--port 5000] [--host 127.0.0.1]    set up what is missing, start the site
    python3 run.py test [pytest's arguments]           set up, run the whole test suite
    python3 run.py manage COMMAND …                    set up, run a management command

Needs Python 3.11 or newer with venv, and nothing else. What it installs goes into .venv beside this file, what the
site writes into var. This file is written so that an old Python can read it and say what is missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

MINIMUM = (3, 11)
HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
STAMP = os.path.join(VENV, "installed.txt")
REQUIREMENTS = os.path.join(HERE, "requirements.txt")
REQUIREMENTS_DEV = os.path.join(HERE, "requirements-dev.txt")


def version_problem(version):
    """What to tell somebody whose Python is too old; nothing if it is not."""
    if tuple(version[:2]) >= MINIMUM:
        return ""
    return "CINÉMA needs Python {}.{} or newer, and this is Python {}.{}. Try: python3.12 run.py".format(
        *(MINIMUM + tuple(version[:2]))
    )


def venv_problem():
    """What to tell somebody whose Python cannot make virtual environments; nothing if it can."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            "This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv. "
            "Then run this again."
        )
    return ""


def python_of(venv_folder):
    return os.path.join(venv_folder, "bin", "python")


def fingerprint(paths):
    """What the environment must hold: the requirements' bytes and the Python that runs them."""
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def installed(stamp, paths):
    """Whether the stamp says that exactly these requirements are installed."""
    try:
        with open(stamp) as file:
            return fingerprint(paths) in file.read().split()
    except OSError:
        return False


def install(paths):
    """Makes the environment and installs, if that has not been done for these very files."""
    # Its python is a link, which points nowhere once the Python that it was made with has been removed.
    if not installed(STAMP, [REQUIREMENTS]) or not os.path.exists(python_of(VENV)):
        # Half-made, broken or for other requirements: begin anew, so that nothing old stays behind.
        say("Making a virtual environment in .venv …")
        shutil.rmtree(VENV, ignore_errors=True)
        import venv

        venv.EnvBuilder(with_pip=True, symlinks=True).create(VENV)
        pip_install(REQUIREMENTS, "Installing what CINÉMA stands on (about a minute) …")
        stamp(fingerprint([REQUIREMENTS]))
    if len(paths) > 1 and not installed(STAMP, paths):
        pip_install(REQUIREMENTS_DEV, "Installing what the tests need …")
        stamp(fingerprint(paths))


def pip_install(requirements, message):
    say(message)
    command = [python_of(VENV), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    outcome = subprocess.run(
        command + ["-r", requirements], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if outcome.returncode != 0:
        sys.exit(outcome.stdout + "\nThe installation failed; the reason stands above. Is the network there?")


def stamp(text):
    with open(STAMP, "a") as file:
        file.write(text + "\n")


def say(text):
    print(text)
    sys.stdout.flush()


def become(arguments, environment=None):
    """Goes on as another program in this very process: signals and exit code need no passing on."""
    os.chdir(HERE)
    os.execve(arguments[0], arguments, environment or os.environ.copy())


def run_tests(arguments):
    """The suite writes into a folder of its own, never into a developer's var."""
    folder = tempfile.mkdtemp(prefix="cinema-test-")
    environment = dict(os.environ, CINEMA_VAR=folder)
    try:
        return subprocess.call([python_of(VENV), "-m", "pytest"] + arguments, cwd=HERE, env=environment)
    except KeyboardInterrupt:
        return 130  # pytest has said where it was
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments):
    problem = version_problem(sys.version_info) or venv_problem()
    if problem:
        sys.exit(problem)
    command = arguments[0] if arguments and not arguments[0].startswith("-") else "up"
    if command not in ("up", "test", "manage"):
        sys.exit("Unknown command {!r}.\n{}".format(command, __doc__))
    if command == "up" and ("-h" in arguments or "--help" in arguments):
        print(__doc__)
        return
    install([REQUIREMENTS, REQUIREMENTS_DEV] if command == "test" else [REQUIREMENTS])
    if command == "test":
        sys.exit(run_tests(arguments[1:]))
    rest = arguments[1:] if arguments[:1] == [command] else arguments
    manage = [python_of(VENV), os.path.join(HERE, "manage.py")]
    become(manage + (rest if command == "manage" else ["up"] + rest))


if __name__ == "__main__":
    main(sys.argv[1:])
