#!/usr/bin/env node
// Plain JavaScript of any age, so that an old Node gets a sentence and not a stack of syntax errors.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(`isthmus needs Node.js 24 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}
const { existsSync } = await import('node:fs')
const built = new URL('../dist/cli/main.js', import.meta.url)
await import(existsSync(built) ? built.href : new URL('../src/cli/main.ts', import.meta.url).href)
