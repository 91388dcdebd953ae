import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { AGENT_VERSION } from '../../../src/agent/version.ts'
import type { CliEnvironment } from '../../../src/cli/environment.ts'
import { exitCodeOf, exitCodes } from '../../../src/cli/exit-codes.ts'
import { createProgram } from '../../../src/cli/program.ts'
import { run } from '../../../src/cli/run.ts'
import { packageVersion } from '../../../src/cli/version.ts'
import { type ErrorCode, errorRegistry } from '../../../src/protocol/errors/index.ts'
import t from '../../support/tap.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** What issue 3 §5 lists. */
const COMMANDS =
  'gateway agent sandbox demo migrate config keys operator tenant quota cluster node credential session usage kubeconfig token doctor version'

let printed = ''
const environment: CliEnvironment = {
  env: {},
  stdout: { write: (text) => (printed += text) },
  stderr: { write: (text) => (printed += text) },
  now: Date.now,
  configFolder: '',
}

interface Named {
  path: string
  command: Command
}

/** Every command with its words, the program itself left out. */
function everyCommand(): Named[] {
  const found: Named[] = []
  const visit = (command: Command, words: string[]): void => {
    if (words.length > 0) found.push({ path: words.join(' '), command })
    for (const sub of command.commands) visit(sub, [...words, sub.name()])
  }
  visit(createProgram(environment), [])
  return found
}

/** The help as it is printed, the text added after the options included. */
function helpOf(command: Command): string {
  printed = ''
  command.outputHelp()
  return printed
}

const commands = everyCommand()

t.test('every command of the specification is there', async (t) => {
  const top = commands.map(({ path }) => path).filter((path) => !path.includes(' '))
  for (const name of COMMANDS.split(' ')) t.ok(top.includes(name), name)
})

t.test('every command and every option says what it is for', async (t) => {
  for (const { path, command } of commands) {
    t.not(command.description(), '', path)
    for (const option of command.options) t.not(option.description, '', `${path} ${option.flags}`)
  }
})

t.test('every command that makes something, and every command of its own, has an example', async (t) => {
  const nouns = new Set(commands.filter(({ command }) => command.commands.length > 0).map(({ path }) => path))
  const made = commands.filter(({ path }) => / (create|register|install|bootstrap|set|rotate)$/.test(path))
  const alone = commands.filter(({ path }) => !path.includes(' ') && !nouns.has(path))
  // kubectl, not a person, calls this one.
  for (const { path, command } of [...made, ...alone].filter((one) => one.path !== 'token')) {
    t.match(helpOf(command), new RegExp(`Examples?:[\\s\\S]*isthmus ${path.split(' ')[0]}`), path)
  }
})

t.test('--help of every command ends with 0, an unknown option with 2', async (t) => {
  for (const { path } of commands) {
    t.equal(await run([...path.split(' '), '--help'], environment), exitCodes.ok, path)
    t.equal(await run([...path.split(' '), '--no-such-option'], environment), exitCodes.usage, path)
  }
})

t.test('the exit codes are those that --help lists, and every error has one of them', async (t) => {
  const listed = [...helpOf(createProgram(environment)).matchAll(/(?<= )(\d) {1}[a-z]/g)].map(([, code]) =>
    Number(code),
  )
  t.same(listed, Object.values(exitCodes))
  for (const code of Object.keys(errorRegistry) as ErrorCode[]) {
    t.ok(listed.includes(exitCodeOf(code)) && exitCodeOf(code) !== 0, code)
  }
})

t.test('agent and package tell the same version', async (t) => {
  t.equal(AGENT_VERSION, packageVersion())
})

t.test('docs/errors.md, docs/config.md and docs/cli.md are what their generator writes', async (t) => {
  const check = spawnSync(process.execPath, ['scripts/generate-docs.ts', '--check'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  t.equal(check.status, 0, check.stderr)
})

t.test('the type of a problem document names a heading of docs/errors.md', async (t) => {
  const headings = readFileSync(`${ROOT}/docs/errors.md`, 'utf8').match(/^## .+$/gm)
  t.same(
    headings,
    Object.keys(errorRegistry).map((code) => `## ${code}`),
  )
})

t.test('the noun commands do not load the database, the gateway or Kubernetes', async (t) => {
  const script = `import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    const { run } = await import('./src/cli/run.ts')
    const quiet = { write: () => true }
    await run(['tenant', 'list'], { env: {}, stdout: quiet, stderr: quiet, now: Date.now, configFolder: '' })
    console.log(loaded.filter((url) => /node_modules\\/(pg|fastify|@kubernetes|pino|jose)\\/|gateway\\/store|src\\/kube/.test(url)).join())`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  t.equal(child.status, 0, child.stderr)
  t.equal(child.stdout.trim(), '')
})
