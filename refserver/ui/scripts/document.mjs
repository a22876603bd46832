// Writes dist/index.html, which names the hashed files, from src/index.html.
import { readFileSync, writeFileSync, rmSync, copyFileSync } from 'node:fs';

const dist = process.argv[2];
const meta = JSON.parse(readFileSync(`${dist}/meta.json`, 'utf8'));
const entries = Object.entries(meta.outputs).map(([file, out]) => [file.replace(`${dist}/`, '/'), out]);
const entry = (source) => entries.find(([, out]) => out.entryPoint === source);
const [app, output] = entry('src/main.tsx');
const files = {
  THEME: entry('src/theme-boot.ts')[0],
  APP: app,
  CSS: output.cssBundle.replace(`${dist}/`, '/'),
};
let html = readFileSync('src/index.html', 'utf8');
for (const [name, file] of Object.entries(files)) html = html.replaceAll(`%${name}%`, file);
writeFileSync(`${dist}/index.html`, html);
copyFileSync('src/favicon.svg', `${dist}/favicon.svg`);
rmSync(`${dist}/meta.json`);
