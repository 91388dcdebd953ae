import { Transform } from 'node:stream'
import { Parser } from 'tap-parser'

/**
 * tap's reporter for this project: one line per file, each failure with its place, and a closing line
 * `N passed, N failed`. A skipped test counts as failed, and so does a file that asserts nothing
 * (tap itself passes over both with exit code 0).
 */
export default class PlainReporter extends Transform {
  #passed = 0
  #failed = 0
  #failures = []
  #parser = new Parser({})

  constructor() {
    super()
    this.#parser.on('child', (child) => this.#walk(child, []))
    this.#parser.on('assert', (result) => this.#file(result))
  }

  #walk(parser, path) {
    parser.on('child', (child) => this.#walk(child, [...path, child.name]))
    parser.on('assert', (result) => this.#leaf(result, path))
  }

  #leaf(result, path) {
    const skipped = result.skip || result.todo
    if (result.closingTestPoint && !skipped) return
    if (result.ok && !skipped) {
      this.#passed++
      return
    }
    this.#failed++
    const at = result.diag?.at
    const place = at?.fileName ? ` (${at.fileName}:${at.lineNumber})` : ''
    this.#failures.push(
      `  not ok ${[...path, result.name].join(' > ')}${skipped ? ' # skipped' : ''}${place}`,
    )
    for (const line of difference(result.diag)) this.#failures.push(`      ${line}`)
  }

  /** The closing point of a file also tells of crashes, time-outs and files without assertions. */
  #file(result) {
    const ok = result.ok && !result.skip && !result.todo
    if (!ok && this.#failures.length === 0) {
      this.#failed++
      const diag = result.diag
      this.#failures.push(
        `  not ok ${result.name}: ${result.skip ? 'no assertions or skipped' : (diag?.signal ?? `exit code ${diag?.exitCode}`)}`,
      )
    }
    const took = result.time ? ` ${Math.round(result.time)} ms` : ''
    this.push(`${ok ? 'PASS' : 'FAIL'} ${result.name}${took}\n`)
    for (const line of this.#failures) this.push(`${line}\n`)
    this.#failures = []
  }

  _transform(chunk, _encoding, callback) {
    this.#parser.write(chunk.toString())
    callback()
  }

  _flush(callback) {
    this.#parser.end()
    this.push(`${this.#passed} passed, ${this.#failed} failed\n`)
    if (this.#failed > 0) process.exitCode = 1
    callback()
  }
}

function difference(diag) {
  if (!diag) return []
  const lines = []
  if (typeof diag.diff === 'string') lines.push(...diag.diff.split('\n'))
  if (diag.error?.message) lines.push(diag.error.message)
  return lines.slice(0, 30)
}
