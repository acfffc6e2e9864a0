# shellcheck shell=bash
# What both scripts that execute a recipe do with the image they built; they read this file.

make_study() { # FOLDER OWNER: the demonstration in FOLDER/studies/demonstration
  rm -rf "$1/studies"
  mkdir -p "$1/studies/demonstration"
  cp -a config test_data "$1/studies/demonstration/"
  chown -R "$2" "$1/studies"
}

run_demonstration() { # COMMAND...: `bioanalysis` in the container, which has FOLDER/studies as /studies
  "$@" init /studies/new
  "$@" check /studies/demonstration
  "$@" run /studies/demonstration --cores 2
  "$@" verify /studies/demonstration
}
