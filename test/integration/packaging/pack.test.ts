import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../support/eventually.ts'
import t from '../../support/tap.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

interface PackageJson {
  version: string
  dependencies: Record<string, string>
  optionalDependencies: Record<string, string>
}
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as PackageJson

/**
 * The package as npm would lay it out elsewhere: the tarball's files in node_modules/isthmus, and beside it what
 * package.json says it needs at run time, and nothing else (links to the checkout's, since a test has no registry).
 */
function installElsewhere(): { bin: string; dir: string; packed: string[] } {
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-pack-'))
  const npm = spawnSync('npm', ['pack', '--json', '--pack-destination', dir], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}` },
  })
  if (npm.status !== 0) throw new Error(`npm pack: ${npm.stderr}`)
  // What `prepack` prints comes before the JSON.
  const [packed] = JSON.parse(npm.stdout.slice(npm.stdout.search(/^\[$/m))) as [
    { filename: string; files: { path: string }[] },
  ]
  const modules = join(dir, 'node_modules')
  const home = join(modules, 'isthmus')
  mkdirSync(home, { recursive: true })
  const tar = spawnSync('tar', ['-xzf', join(dir, packed.filename), '-C', home, '--strip-components=1'])
  if (tar.status !== 0) throw new Error(`tar: ${tar.stderr}`)
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    const target = join(ROOT, 'node_modules', name)
    if (!existsSync(target)) continue // an optional one, of another platform
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(target, join(modules, name))
  }
  return { dir, bin: join(home, 'bin', 'isthmus.js'), packed: packed.files.map(({ path }) => path) }
}

// Types are checked on the way: with other suites beside it that takes a while on two cores.
t.setTimeout(120_000)
const { dir, bin, packed } = installElsewhere()
t.teardown(() => rmSync(dir, { recursive: true, force: true }))

function isthmus(args: string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [bin, ...args], {
    cwd: dir,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: dir, ...env },
  })
}

t.test('the package holds what runs and its documents, no sources and no tests', async (t) => {
  for (const needed of [
    'bin/isthmus.js',
    'dist/cli/main.js',
    'migrations/0001-spine.sql',
    'deploy/data-plane.yaml',
    'docs/config.md',
    'LICENSE',
    'README.md',
    ...generatedJson(),
  ]) {
    t.ok(packed.includes(needed), needed)
  }
  t.same(
    packed.filter((file) => /^(src|test|scripts|bench)\/|\.ts$|\.pem$|\.key$/.test(file)),
    [],
  )
})

t.test('every module of the package can be loaded with nothing but its own dependencies', async (t) => {
  // The mains included: a file that the build forgot, or a package that is only a devDependency, shows here.
  const modules = ['cli/run', 'gateway/main', 'agent/main', 'sandbox/main', 'demo/run', 'postgres/index']
  const script = modules
    .map((name) => `await import(${JSON.stringify(join(dirname(bin), '..', 'dist', `${name}.js`))})`)
    .join('\n')
  const file = join(dir, 'load.mjs')
  writeFileSync(file, script)
  const loaded = spawnSync(process.execPath, [file], { cwd: dir, encoding: 'utf8' })
  t.equal(loaded.status, 0, loaded.stderr)
})

t.test('the packed command line answers version, help and config', async (t) => {
  const version = isthmus(['version', '-o', 'json'])
  t.equal(version.status, 0, version.stderr)
  t.match(JSON.parse(version.stdout), { isthmus: manifest.version, kubernetesSchema: /^v1\./ })
  t.match(isthmus(['tenant', '--help']), { status: 0, stdout: /Usage: isthmus tenant/ })
  t.match(isthmus(['config', 'sandbox']), { status: 0, stdout: /^role="data-plane"/ })
  t.match(isthmus(['tenant', 'list']), { status: 2, stderr: /--server is missing/ })
})

t.test('the packed sandbox starts, answers over TLS, and ends with 0 on SIGTERM', async (t) => {
  const readyFile = join(dir, 'ready.json')
  const args = ['sandbox', '--port', '0', '--dir', join(dir, 'sandbox'), '--ready-file', readyFile]
  const child = spawn(process.execPath, [bin, ...args], { cwd: dir, stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  await eventually('the sandbox is ready', () => existsSync(readyFile), 30_000)
  const ready = JSON.parse(readFileSync(readyFile, 'utf8')) as { server: string; caFile: string }
  t.match(await get(`${ready.server}/version`, readFileSync(ready.caFile, 'utf8')), /"gitVersion"/)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  t.equal(await ended, 0)
})

t.test('the packed gateway knows its migrations', async (t) => {
  const dry = isthmus(['migrate', '--dry-run'], { DATABASE_URL: 'postgres://x@127.0.0.1:1/x' })
  // It found the folder of migrations and went on to the database, which is not there.
  t.match(dry, { status: 6, stderr: /database is not reachable/ })
})

t.test('an older Node.js gets one sentence and exit code 1, no stack', async (t) => {
  const old = olderNode()
  const result = spawnSync(old.node, [...old.args, bin, 'version'], { encoding: 'utf8' })
  t.equal(result.status, 1)
  t.match(result.stderr, /^isthmus needs Node\.js 24 or newer; this is \d+\.\d+\.\d+\.\n$/)
  t.equal(result.stdout, '')
})

/** Read at run time, so that neither compiler nor loader misses them. */
function generatedJson(): string[] {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.generated.json')).map((file) => `dist/${file}`)
}

/** A Node.js on this machine that is older than 24; where there is none, this one saying that it is. */
function olderNode(): { node: string; args: string[] } {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  for (const node of [...folders.map((folder) => join(folder, 'node')), '/usr/local/bin/node']) {
    if (!existsSync(node)) continue
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout ?? ''
    const major = Number(/^v(\d+)\./.exec(version)?.[1])
    if (major >= 14 && major < 24) return { node, args: [] }
  }
  const disguise = join(dir, 'disguise.mjs')
  writeFileSync(disguise, `Object.defineProperty(process.versions, 'node', { value: '20.0.0' })\n`)
  return { node: process.execPath, args: ['--import', disguise] }
}

function get(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ca }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
    })
    call.once('error', reject)
    call.end()
  })
}
