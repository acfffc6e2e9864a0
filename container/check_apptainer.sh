#!/usr/bin/env bash
# Builds container/apptainer.def with Apptainer and runs the demonstration in the image, without network. As a user
# without rights who has subordinate ids (/etc/subuid): container/check_apptainer.sh FOLDER [BASE]
# FOLDER: where image and study are made. BASE: an archive that stands for the base image on machines that reach no
# registry of images (`check_recipe.sh FOLDER PYTHON` leaves one in FOLDER/base.tar).
set -euo pipefail
FOLDER=$(realpath -m "$1") BASE=${2:+$(realpath "$2")}
cd "$(dirname "$0")/.."
. container/demonstration.sh
RECIPE=container/apptainer.def
mkdir -p "$FOLDER"
IMAGE=$FOLDER/bioanalysis.sif

recipe=$RECIPE
if [ -n "$BASE" ]; then
  recipe=$FOLDER/apptainer.def
  sed -e 's/^Bootstrap: docker$/Bootstrap: docker-archive/' -e "s|^From: .*|From: $BASE|" $RECIPE >"$recipe"
fi
apptainer build --fakeroot --force "$IMAGE" "$recipe"

make_study "$FOLDER" "$(id -u):$(id -g)"
without_network() {
  unshare --user --map-current-user --net apptainer run --bind "$FOLDER/studies:/studies" "$IMAGE" "$@"
}
run_demonstration without_network
echo "$RECIPE was built by $(apptainer --version); the demonstration ran in its image: $FOLDER/studies/demonstration"
