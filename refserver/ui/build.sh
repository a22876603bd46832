#!/bin/sh
# Builds the console and the widgets: sources by npm ci, types by tsc, bundles by the esbuild that tools/go.mod pins.
# The output is committed; the same sources give the same bytes.
#
#	build.sh          everything
#	build.sh bundle   only the bundles, with the sources that are there (for work on the console)
set -eu
cd "$(dirname "$0")"
ui=$PWD
widgets=$(cd ../../impac/impacui && pwd)
esbuild=$(go -C ../../tools tool -n github.com/evanw/esbuild/cmd/esbuild)

# common flags of both bundles. Legal comments of the libraries go to a file of their own.
bundle() {
	"$esbuild" "$@" --bundle --minify --format=esm --splitting --target=es2022,chrome111,firefox115,safari16.4 \
		--jsx=automatic --jsx-import-source=preact --charset=utf8 --legal-comments=linked --log-level=warning \
		--define:process.env.NODE_ENV='"production"'
}

if [ "${1:-all}" = all ]; then
	for dir in "$widgets" "$ui"; do
		(
			cd "$dir"
			npm ci --no-audit --no-fund --loglevel=error
			npx tsc --noEmit
			out=$(mktemp -d)
			"$esbuild" $(find src -name "*.test.ts" | sort) --bundle --platform=node --format=esm --outdir="$out" --out-extension:.js=.mjs --log-level=warning
			node --test --test-reporter=dot "$out"
			rm -rf "$out"
		)
	done
fi

cd "$widgets"
rm -rf dist
bundle src/impac.ts --outdir=dist --entry-names='[name]-[hash]' --chunk-names='chunk-[hash]' --loader:.css=text

cd "$ui"
rm -rf dist
bundle app=src/main.tsx theme=src/theme-boot.ts --outdir=dist/assets --entry-names='[name]-[hash]' \
	--chunk-names='chunk-[hash]' --asset-names='[name]-[hash]' --external:/assets/* --metafile=dist/meta.json
node scripts/document.mjs dist
