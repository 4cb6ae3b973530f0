#!/usr/bin/env bash
# Packs what `make build` has built: a tarball, and on Debian and its like a .deb, into target/package.
set -euo pipefail
cd "$(dirname "$0")/.."
program="${CARGO_TARGET_DIR:-target}/release/earmark"
if [ ! -e target/voices/heart/hibari.onnx ]; then
  echo "package: the built-in voice is not there: run scripts/setup.sh setup, which says why" >&2
  exit 1
fi
version=$("$program" --version | cut -d' ' -f2)
machine=$(uname -m)
out=target/package
tree=$out/earmark-$version-$machine
rm -rf "$out"
mkdir -p "$tree/completions"

install -m 755 "$program" "$tree/earmark"
cp -r target/site "$tree/site"
cp -r target/voices "$tree/voices"
cp -r README.md CHANGELOG.md LICENSE LICENSE-APACHE LICENSE-MIT docs packaging/earmark.service packaging/env "$tree/"
"$program" manual | gzip -9n > "$tree/earmark.1.gz"
for shell in bash zsh fish; do
  "$program" completions "$shell" > "$tree/completions/earmark.$shell"
done
tar -C "$out" --owner=0 --group=0 --sort=name -czf "$tree.tar.gz" "earmark-$version-$machine"
echo "$tree.tar.gz"

command -v dpkg-deb > /dev/null || exit 0
architecture=$(dpkg --print-architecture)
root=$out/deb
lib=$root/usr/lib/earmark doc=$root/usr/share/doc/earmark
mkdir -p "$lib" "$doc" "$root/usr/bin" "$root/etc/earmark" "$root/lib/systemd/system" "$root/usr/share/man/man1" \
  "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" \
  "$root/usr/share/fish/vendor_completions.d" "$root/DEBIAN"
cp -r "$tree/earmark" "$tree/site" "$lib/"
cp -r "$tree/voices" "$lib/"
ln -s ../lib/earmark/earmark "$root/usr/bin/earmark"
cp -r README.md CHANGELOG.md LICENSE LICENSE-APACHE LICENSE-MIT docs "$doc/"
cp packaging/env "$root/etc/earmark/env"
cp packaging/earmark.service "$root/lib/systemd/system/"
cp "$tree/earmark.1.gz" "$root/usr/share/man/man1/"
cp "$tree/completions/earmark.bash" "$root/usr/share/bash-completion/completions/earmark"
cp "$tree/completions/earmark.zsh" "$root/usr/share/zsh/vendor-completions/_earmark"
cp "$tree/completions/earmark.fish" "$root/usr/share/fish/vendor_completions.d/earmark.fish"
chmod -R u=rwX,go=rX "$root"
# It has secrets once somebody has filled it in; the service reads it before it becomes the user.
chmod 640 "$root/etc/earmark/env"
cp packaging/deb/* "$root/DEBIAN/"
chmod 755 "$root"/DEBIAN/p*
libc=$(dpkg-query -W -f '${Version}' libc6 | cut -d- -f1)
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed -i "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@LIBC@/${libc%.*}.${libc##*.}/; s/@SIZE@/$size/" "$root/DEBIAN/control"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/earmark_${version}_$architecture.deb"
rm -r "$root"
