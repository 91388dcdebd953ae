import t from '../../support/tap.ts'
import { type Import, importsOf, readSource, sourceFiles } from './imports.ts'
import { type ImportRule, importRules, MAXIMUM_LINES } from './rules.ts'

const files = sourceFiles()
const imports = files.flatMap(importsOf)

t.test('every folder imports only what its rule allows', async (t) => {
  t.ok(imports.length > 0)
  for (const found of imports) {
    const rule = ruleFor(found.file)
    if (rule === undefined) t.fail(`${found.file}: no rule for its folder in rules.ts`)
    else if (!allows(rule, found)) {
      t.fail(`src/${found.file} imports ${found.target}: ${rule.folder} may not, because ${rule.because}`)
    }
  }
})

t.test('no file imports itself by way of others', async (t) => {
  t.same(cycles(), [])
})

t.test(`no source file is longer than ${MAXIMUM_LINES} lines`, async (t) => {
  t.same(
    files.filter((file) => readSource(file).split('\n').length - 1 > MAXIMUM_LINES),
    [],
  )
})

/** Not our environment: these hold the text of programs that run in pods. */
const PROGRAM_TEXTS = ['demo/manifests.ts', 'sandbox/runtime/builtin/http-echo.ts']

t.test('the environment is read by config.ts and main.ts alone', async (t) => {
  const readers = files.filter((file) => /process\.env\b/.test(readSource(file)))
  t.same(
    readers.filter(
      (file) => !/(^|\/)(config|main|environment)\.ts$/.test(file) && !PROGRAM_TEXTS.includes(file),
    ),
    [],
  )
})

function ruleFor(file: string): ImportRule | undefined {
  return importRules
    .filter((rule) => file.startsWith(`${rule.folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0]
}

function allows(rule: ImportRule, found: Import): boolean {
  if (found.kind === 'node') return true
  if (found.kind === 'package') {
    const packages = found.typeOnly ? [...rule.packages, ...(rule.types ?? [])] : rule.packages
    return packages.some(
      (name) => name === found.target || (name.endsWith('*') && found.target.startsWith(name.slice(0, -1))),
    )
  }
  if (found.target.startsWith(`${rule.folder}/`)) return true
  return rule.own.some((own) =>
    own.includes('*')
      ? new RegExp(`^${own.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}$`).test(found.target)
      : found.target === own || found.target.startsWith(`${own}/`),
  )
}

/** Cycles of run-time imports, each told once from its smallest file on. */
function cycles(): string[] {
  const graph = new Map<string, string[]>(files.map((file) => [file, []]))
  for (const found of imports) {
    if (found.kind === 'own' && !found.typeOnly && !found.dynamic) graph.get(found.file)?.push(found.target)
  }
  const done = new Set<string>()
  const told = new Set<string>()
  const visit = (file: string, path: string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) {
      const cycle = path.slice(at)
      const first = cycle.indexOf([...cycle].sort()[0] ?? file)
      told.add([...cycle.slice(first), ...cycle.slice(0, first)].join(' → '))
      return
    }
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return [...told]
}
