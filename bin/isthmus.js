#!/usr/bin/env node
// Plain JavaScript for any Node.js from 14 on, so that an old Node gets a sentence and not a stack of syntax errors.
import { existsSync } from 'node:fs'

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(`isthmus needs Node.js 24 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}
// A checkout runs its sources; the package has none, since Node strips no types below node_modules.
const source = new URL('../src/cli/main.ts', import.meta.url)
import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href)
