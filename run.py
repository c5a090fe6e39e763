#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""Sets CINÉMA up and starts it.

    python3 run.py [--port 5000] [--host 127.0.0.1]    set up what is missing, start the site
    python3 run.py test [pytest's arguments]           set up, run the whole test suite
    python3 run.py manage COMMAND …                    set up, run a management command
    python3 run.py bench [--quick] [--help]            set up, measure how fast it is, beside other libraries
    python3 run.py bench quality [--help]              set up, measure how good it is, beside other libraries

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
REQUIREMENTS_BENCH = os.path.join(HERE, "requirements-bench.txt")
BENCHES = {"speed": "benchmarks.suite", "quality": "recommender.benchmarks.quality"}


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


def install_bench():
    """Installs what the benchmarks compare with, or as much of it as can be had; the rest is named and left out."""
    install([REQUIREMENTS])
    paths = [REQUIREMENTS, REQUIREMENTS_BENCH]
    if installed(STAMP, paths):
        return
    say("Installing what to compare with …")
    build_for_this_machine()
    if pip(["-r", REQUIREMENTS_BENCH]).returncode == 0:
        stamp(fingerprint(paths))
        return
    # One that has no build for this Python must not keep the others away.
    for name, block in blocks_of(REQUIREMENTS_BENCH):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as alone:
            alone.write(block)
            alone.flush()
            if pip(["--no-deps", "-r", alone.name]).returncode != 0:
                say("{} could not be installed: going on without it.".format(name))


def build_for_this_machine():
    """What is built from source is built with AVX where there is AVX, as its own makefile would, and not taken from a
    cache where it may lie without."""
    try:
        with open("/proc/cpuinfo") as file:
            has_avx = " avx " in file.read()
    except OSError:
        has_avx = False
    if has_avx:
        for name in ("CFLAGS", "CXXFLAGS"):
            os.environ.setdefault(name, "-O3 -DUSEAVX -mavx")
        os.environ.setdefault("PIP_NO_CACHE_DIR", "1")


def blocks_of(requirements):
    """Each requirement of a pinned file: what it asks for, and its lines."""
    blocks = []
    with open(requirements) as file:
        for line in file:
            if line[0].isspace() or line.startswith("#"):
                if blocks:
                    blocks[-1][1] += line
            else:
                blocks.append([line.split(" ")[0].strip(), line])
    return blocks


def pip_install(requirements, message):
    say(message)
    outcome = pip(["-r", requirements])
    if outcome.returncode != 0:
        sys.exit(outcome.stdout + "\nThe installation failed; the reason stands above. Is the network there?")


def pip(arguments):
    command = [python_of(VENV), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    return subprocess.run(command + arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def stamp(text):
    with open(STAMP, "a") as file:
        file.write(text + "\n")


def say(text):
    print(text)
    sys.stdout.flush()


def become(arguments):
    """Goes on as another program in this very process: signals and exit code need no passing on."""
    os.chdir(HERE)
    os.execve(arguments[0], arguments, os.environ.copy())


def run_bench(arguments):
    """Stays in the folder that it was called from, so that paths mean what they say."""
    environment = dict(os.environ, PYTHONPATH=HERE)
    # One thread for everybody: peers that start more would be compared by cores.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = "1"
    environment["TQDM_DISABLE"] = "1"  # progress bars of other libraries
    # Where they name another processor than this one, numpy's linear algebra is slow.
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        environment.pop(name, None)
    var = environment.get("CINEMA_VAR") or os.path.join(HERE, "var")
    environment.setdefault("NUMBA_CACHE_DIR", os.path.join(os.path.abspath(var), "numba"))
    command = [python_of(VENV), "-P", "-m", BENCHES[arguments[0]]] + arguments[1:]
    os.execve(command[0], command, environment)


def run_tests(arguments):
    """The suite writes into a folder of its own, never into a developer's var; the whole of it runs on all cores."""
    folder = tempfile.mkdtemp(prefix="cinema-test-")
    # Compiled once, for all processes.
    environment = dict(os.environ, CINEMA_VAR=folder, CINEMA_SHARED="", NUMBA_CACHE_DIR=os.path.join(folder, "numba"))
    command = [python_of(VENV), "-m", "pytest"]
    if arguments in ([], ["--on-database"]):
        # A test class stays in one process, with what it sets up.
        command += ["--dist", "loadscope"]
        for number in range(min(os.cpu_count() or 1, 8)):
            command += ["--tx", "popen//env:CINEMA_VAR=" + os.path.join(folder, "process-{}".format(number))]
    try:
        return subprocess.call(command + arguments, cwd=HERE, env=environment)
    except KeyboardInterrupt:
        return 130  # pytest has said where it was
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments):
    problem = version_problem(sys.version_info) or venv_problem()
    if problem:
        sys.exit(problem)
    command = arguments[0] if arguments and not arguments[0].startswith("-") else "up"
    if command not in ("up", "test", "manage", "bench"):
        sys.exit("Unknown command {!r}.\n{}".format(command, __doc__))
    if command == "bench":
        wanted = arguments[1:]
        if not wanted or wanted[0].startswith("-"):
            wanted = ["speed"] + wanted
        if wanted[0] not in BENCHES:
            sys.exit("What to benchmark: {}.\n{}".format(", ".join(BENCHES), __doc__))
        install_bench()
        run_bench(wanted)
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
