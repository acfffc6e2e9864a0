#!/usr/bin/env bash
# Executes the steps of container/Dockerfile, as they are written there, in a Debian root of their own, and runs the
# demonstration in it without network and without rights. For machines without a container engine; as root:
#   apt-get install debootstrap; container/check_recipe.sh FOLDER PYTHON
# FOLDER: where the root is made (2 GB); one that is there is used again. PYTHON: prefix of the Python that stands for the one of the base image.
set -euo pipefail
ROOT=$(realpath -m "$1") PYTHON=$2
cd "$(dirname "$0")/.."
RECIPE=container/Dockerfile

WANTED=$(sed -n 's/^FROM python:\([0-9.]*\)-slim-bookworm.*/\1/p' $RECIPE | sort -u)
FOUND=$("$PYTHON/bin/python3" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ "$WANTED" = "$FOUND" ] || { echo "the recipe names Python $WANTED, $PYTHON holds $FOUND" >&2; exit 2; }

[ -d "$ROOT/usr" ] || debootstrap --variant=minbase \
  --include=ca-certificates,libbz2-1.0,libffi8,liblzma5,libreadline8,libsqlite3-0,libssl3,zlib1g bookworm "$ROOT"
cp -a "$PYTHON"/bin "$PYTHON"/lib "$PYTHON"/include "$ROOT/usr/local/"
chroot "$ROOT" ldconfig
rm -rf "$ROOT/tools" "$ROOT/opt/bioanalysis" "$ROOT/source" "$ROOT/study" "$ROOT/tmp/new-study"
mkdir -p "$ROOT/source" "$ROOT/study"
cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
# what this machine's network asks for, while the steps run
cp /etc/ssl/certs/ca-certificates.crt "$ROOT/etc/ssl/certs/ca-certificates.crt"
if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$ROOT/etc/pip.conf"; fi
env | grep -E '^(PIP_|SSL_CERT_FILE=|REQUESTS_CA_BUNDLE=|https?_proxy=|HTTPS?_PROXY=)' >"$ROOT/tmp/network" || true

inside() { # inside the root, with /proc, and what unshare is told beside
  unshare --mount --pid --fork "$@"
}
enter='mount --rbind /dev "$0/dev"; mount -t proc proc "$0/proc"; exec chroot'

# the steps of the recipe's first stage: files copied, commands run
sed -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' $RECIPE | while read -r word rest; do
  case $word in
    COPY) [[ $rest == --from=* ]] || { read -ra files <<<"$rest"; mkdir -p "$(dirname "$ROOT${files[-1]}")"; cp -a "${files[@]:0:${#files[@]}-1}" "$ROOT${files[-1]}"; } ;;
    RUN) echo "== $rest"
         inside sh -c "$enter"' "$0" env -i $(cat "$0/tmp/network") PATH=/usr/local/bin:/usr/bin:/bin HOME=/root sh -ec "$1"' \
           "$ROOT" "$rest" </dev/null ;;
  esac
done
# the second stage keeps nothing of the first but the environment
rm -rf "$ROOT/tools" "$ROOT/wheels" "$ROOT/source" "$ROOT/tmp/network"

read -ra set_by_recipe <<<"$(sed -n 's/^ENV //p' $RECIPE | sed 's#\$PATH#/usr/local/bin:/usr/bin:/bin#')"
cp -a config test_data "$ROOT/study/"
chown -R 65534:65534 "$ROOT/study"
nobody() { # as the recipe's entry point, without network, as a user without rights
  inside --net sh -c "$enter"' --userspec=65534:65534 "$0" env -i "$@"' "$ROOT" "${set_by_recipe[@]}" bioanalysis "$@"
}
nobody init /tmp/new-study
nobody check /study
nobody run /study --cores 2
nobody verify /study
echo "every step of $RECIPE was executed; the demonstration ran in $ROOT"
