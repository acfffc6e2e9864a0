#!/usr/bin/env bash
# Builds container/Dockerfile with Buildah and runs the demonstration in the image, without network and without rights.
# As root, on Debian: apt-get install buildah debootstrap; container/check_recipe.sh FOLDER [PYTHON]
# FOLDER: where the study is made, and the stand-in of the base image (1 GB) where a PYTHON is given: the prefix of a
# Python that stands for the one of the base image, in a Debian root, on machines that reach no registry of images.
set -euo pipefail
FOLDER=$(realpath -m "$1") PYTHON=${2:-}
cd "$(dirname "$0")/.."
. container/demonstration.sh
RECIPE=container/Dockerfile
BASE=$(sed -n 's/^FROM \(python:[^ ]*\).*/\1/p' $RECIPE | sort -u)
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs # what needs no rights of a container of its own
mkdir -p "$FOLDER"

stand_in() { # an image of the base's name: Debian, the Python, and what pip needs on this machine's network
  local root=$FOLDER/base-root wanted=${BASE#python:} found container
  found=$("$PYTHON/bin/python3" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [ "${wanted%%-*}" = "$found" ] || { echo "the recipe names Python ${wanted%%-*}, $PYTHON holds $found" >&2; exit 2; }
  [ -d "$root/usr" ] || debootstrap --variant=minbase \
    --include=ca-certificates,libbz2-1.0,libffi8,liblzma5,libreadline8,libsqlite3-0,libssl3,zlib1g "${BASE##*-}" "$root"
  cp -a "$PYTHON"/bin "$PYTHON"/lib "$PYTHON"/include "$root/usr/local/"
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$root/etc/pip.conf"; fi
  chroot "$root" ldconfig
  container=$(buildah from scratch)
  buildah add -q "$container" "$root" /
  buildah config --env PATH=/usr/local/bin:/usr/bin:/bin "$container"
  buildah commit -q "$container" "docker.io/library/$BASE"
  buildah rm "$container" >/dev/null
  rm -f "$FOLDER/base.tar" # what check_apptainer.sh builds from
  buildah push -q "docker.io/library/$BASE" "docker-archive:$FOLDER/base.tar:$BASE"
}

if [ -n "$PYTHON" ]; then
  stand_in
  buildah bud --pull-never --network host -f $RECIPE -t bioanalysis .
else
  buildah bud --network host -f $RECIPE -t bioanalysis .
fi

make_study "$FOLDER" 65534:65534
container=$(buildah from --pull-never localhost/bioanalysis)
nobody() { # as the image's entry point, without network, as a user without rights
  unshare --net buildah run --user 65534:65534 -v "$FOLDER/studies:/studies" "$container" -- bioanalysis "$@"
}
run_demonstration nobody
buildah rm "$container" >/dev/null
echo "$RECIPE was built by $(buildah --version); the demonstration ran in its image: $FOLDER/studies/demonstration"
