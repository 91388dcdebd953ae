import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { silentLogger } from '../../../src/lib/logger.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import t from '../../support/tap.ts'

const path = process.env['PATH'] ?? ''
const kubectl = path
  .split(delimiter)
  .map((dir) => join(dir, 'kubectl'))
  .find((file) => existsSync(file))

const POD = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  containers:
    - name: main
      image: isthmus.dev/sandbox/shell
      command: [sh, -c, 'echo hello; exec sleep 1000']
      env: [{ name: GREETING, valueFrom: { configMapKeyRef: { name: words, key: greeting } } }]
`

t.test('kubectl works with the sandbox, where one is installed', async (t) => {
  if (!kubectl) {
    t.pass('no kubectl here')
    return
  }
  const dir = await mkdtemp(join(tmpdir(), 'isthmus-kubectl-'))
  const sandbox = await startSandbox({ role: 'data-plane', dir, port: 0, logger: silentLogger, path })
  t.teardown(async () => {
    await sandbox.close()
    await rm(dir, { recursive: true, force: true })
  })
  const env = { PATH: path, HOME: dir, KUBECONFIG: join(dir, 'admin.kubeconfig') }
  const run = (...args: string[]) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      execFile(kubectl, args, { env, timeout: 20_000, cwd: dir }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
      )
    })
  const succeeds = async (...args: string[]) => {
    const { code, out, err } = await run(...args)
    t.equal(code, 0, `kubectl ${args.join(' ')}: ${err}`)
    return out
  }
  await writeFile(join(dir, 'pod.yaml'), POD)
  await writeFile(join(dir, 'payload'), 'x'.repeat(300_000))

  await t.test('create by protobuf, apply, apply again, diff, server-side apply, wait', async (t) => {
    await succeeds('create', 'configmap', 'words', '--from-literal=greeting=hi')
    await succeeds('create', 'secret', 'generic', 'hidden', '--from-literal=a=b')
    t.match(await succeeds('apply', '-f', 'pod.yaml'), /created/)
    t.match(await succeeds('apply', '-f', 'pod.yaml'), /unchanged/)
    await succeeds('wait', '--for=condition=Ready', 'pod/web', '--timeout=15s')
    t.equal(await succeeds('diff', '-f', 'pod.yaml'), '')
    await succeeds('apply', '--server-side', '--validate=strict', '-f', 'pod.yaml')
  })

  await t.test('get, describe, label, explain their tables', async (t) => {
    t.match(await succeeds('get', 'pods', '-A', '-o', 'wide'), /default +web +1\/1 +Running +0 /)
    t.match(await succeeds('get', 'nodes'), /sandbox-node +Ready/)
    await succeeds('label', 'pod', 'web', 'tier=front')
    t.match(await succeeds('get', 'pods', '-l', 'tier=front', '-o', 'name'), /pod\/web/)
    t.match(await succeeds('describe', 'pod', 'web'), /Started +\S+ +kubelet/)
    t.match(await succeeds('api-resources'), /deployments +deploy +apps\/v1/)
    t.match(await succeeds('auth', 'can-i', 'delete', 'pods'), /yes/)
  })

  await t.test('logs, exec with its exit code, cp both ways', async (t) => {
    t.equal(await succeeds('logs', 'web'), 'hello\n')
    t.equal(await succeeds('exec', 'web', '--', 'sh', '-c', 'echo $GREETING'), 'hi\n')
    t.equal((await run('exec', 'web', '--', 'sh', '-c', 'exit 7')).code, 7)
    await succeeds('cp', 'payload', 'web:payload')
    await succeeds('cp', 'web:payload', 'back')
    t.equal(await readFile(join(dir, 'back'), 'utf8'), 'x'.repeat(300_000))
  })

  await t.test('a Deployment is rolled out, scaled and removed with its pods', async () => {
    await succeeds(
      'create',
      'deployment',
      'app',
      '--image=isthmus.dev/sandbox/shell',
      '--replicas=2',
      '--',
      'sleep',
      '1000',
    )
    await succeeds('rollout', 'status', 'deployment/app', '--timeout=15s')
    await succeeds('set', 'env', 'deployment/app', 'A=b')
    await succeeds('rollout', 'status', 'deployment/app', '--timeout=15s')
    await succeeds('scale', 'deployment/app', '--replicas=1')
    await succeeds('delete', 'deployment', 'app')
    await succeeds('wait', '--for=delete', 'pod', '-l', 'app=app', '--timeout=45s')
  })

  await t.test('delete waits until the pod is gone', async (t) => {
    await succeeds('delete', 'pod', 'web', '--grace-period=1')
    t.match((await run('get', 'pod', 'web')).err, /NotFound/)
  })
})
