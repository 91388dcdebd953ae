import { isAlias, isMap, isScalar, isSeq, type Node, type ParsedNode, parseDocument, Scalar } from 'yaml'

/** Deeper than any Kubernetes object; far less than what exhausts a stack. */
const DEPTH_MAX = 64

/** Plain words that YAML 1.1, which kubectl reads, takes for booleans and YAML 1.2 for text. */
const ambiguous = /^(y|n|yes|no|on|off)$/i
/** `0644` is octal to kubectl and to everyone who writes a file mode; `0o644` is octal everywhere. */
const octal = /^[-+]?0[0-7]+$/

/** What is wrong with the text, for its author; without its content. */
export class YamlError extends Error {}

/**
 * One YAML document as the JSON value that kubectl would make of it. Refused is what can be made to cost or to say
 * more than it seems: anchors and aliases (CVE-2019-11253: a few lines fill the memory), tags, duplicate keys, keys
 * that are no text, a second document, depth; and the plain words whose meaning depends on the version of YAML.
 * Parsing takes about 0.3 ms a KiB: callers bound the length.
 * @throws YamlError
 */
export function parseStrictYaml(text: string): unknown {
  let contents: ParsedNode | null
  try {
    // Unique keys are checked here: the package compares each with each, minutes for a map of 100,000.
    const document = parseDocument(text, { uniqueKeys: false, schema: 'core', logLevel: 'error' })
    const [error] = document.errors
    if (error !== undefined) {
      const { line } = error.linePos?.[0] ?? { line: 1 }
      throw new YamlError(
        error.code === 'MULTIPLE_DOCS' ? 'more than one document' : `line ${line}: ${error.code}`,
      )
    }
    contents = document.contents
  } catch (error) {
    if (error instanceof YamlError) throw error
    // The package recurses: what is nested too deeply for the stack ends in a RangeError.
    throw new YamlError('not readable as YAML', { cause: error })
  }
  return jsonOf(contents, 0)
}

function jsonOf(node: Node | null, depth: number): unknown {
  if (depth > DEPTH_MAX) throw new YamlError(`nested more than ${DEPTH_MAX} deep`)
  if (node === null) return null
  if (isAlias(node)) throw new YamlError('aliases are not taken')
  if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) {
    throw new YamlError('anchors are not taken')
  }
  if (node.tag !== undefined && !/^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/.test(node.tag)) {
    throw new YamlError('tags are not taken')
  }
  if (isMap(node)) return mapOf(node.items, depth)
  if (isSeq(node)) return node.items.map((item) => jsonOf(item as Node | null, depth + 1))
  if (isScalar(node)) return scalarOf(node)
  throw new YamlError('an unknown node')
}

function mapOf(items: readonly { key: unknown; value: unknown }[], depth: number): Record<string, unknown> {
  const entries = new Map<string, unknown>()
  for (const { key, value } of items) {
    const name = isScalar(key) && key.anchor === undefined ? key.value : undefined
    if (typeof name !== 'string') throw new YamlError('a key that is no text')
    if (name === '<<') throw new YamlError('merge keys are not taken')
    if (entries.has(name)) throw new YamlError(`duplicate key ${JSON.stringify(name.slice(0, 100))}`)
    entries.set(name, jsonOf(value as Node | null, depth + 1))
  }
  return Object.fromEntries(entries)
}

function scalarOf(node: Scalar): unknown {
  const { value, source = '', type } = node
  if (type !== Scalar.PLAIN) return value
  if (typeof value === 'string' && ambiguous.test(value)) {
    throw new YamlError(`${value} is a boolean to some and text to others: quote it, or write true or false`)
  }
  if (typeof value === 'number') {
    if (octal.test(source)) return Number.parseInt(source, 8)
    if (!Number.isFinite(value)) throw new YamlError('a number that JSON does not have')
  }
  return value
}
