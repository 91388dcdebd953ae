import { writeFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { PodLogRequest } from '../../../src/sandbox/ports.ts'
import { eventually } from '../../support/eventually.ts'
import { type RuntimeHarness, startRuntimeHarness } from '../../support/sandbox-runtime.ts'
import t from '../../support/tap.ts'

const sh = (script: string) => ({ name: 'main', image: 'busybox', command: ['/bin/sh', '-c', script] })

function open(
  sandbox: RuntimeHarness,
  name: string,
  options: Partial<PodLogRequest> = {},
): Promise<Readable> {
  return sandbox.runtime.backend.logs({
    pod: sandbox.getPod(name) as never,
    container: 'main',
    follow: false,
    previous: false,
    timestamps: false,
    insecureSkipTLSVerifyBackend: false,
    signal: new AbortController().signal,
    ...options,
  })
}

const text = async (body: Readable) => (await body.toArray()).map(String).join('')

t.test('each log option does what it says', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  const script = 'for i in 1 2 3 4 5; do echo line $i; done; echo problem >&2; printf rest'
  sandbox.createPod('logs', { restartPolicy: 'Never', containers: [sh(script)] })
  await sandbox.status('logs', 'is over', ({ phase }) => phase === 'Succeeded')
  const read = async (options: Partial<PodLogRequest>) => text(await open(sandbox, 'logs', options))
  const out = { stream: 'Stdout' } as const
  t.equal(await read(out), 'line 1\nline 2\nline 3\nline 4\nline 5\nrest')
  t.equal(await read({ stream: 'Stderr' }), 'problem\n')
  t.equal(await read({ tailLines: 0 }), '')
  t.equal((await read({ tailLines: 3 })).split('\n').length, 3)
  t.equal(await read({ limitBytes: 9, ...out }), 'line 1\nli')
  t.match(await read({ timestamps: true, ...out }), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 1\n/)
  t.equal(await read({ sinceTime: new Date(Date.now() + 60_000).toISOString() }), '')
  t.equal(await read({ sinceSeconds: 3600, ...out }), await read(out))
  await t.rejects(read({ previous: true }), {
    code: 'bad_request',
    message: 'previous terminated container "main" in pod "logs" not found',
  })
})

t.test('a followed log gives each line as it is written, and ends with the container', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('live', {
    restartPolicy: 'Never',
    containers: [sh('echo one; while [ ! -e go ]; do sleep 0.02; done; echo two')],
  })
  await sandbox.status('live', 'runs', ({ phase }) => phase === 'Running')
  const body = await open(sandbox, 'live', { follow: true })
  let seen = ''
  body.on('data', (chunk) => {
    seen += chunk
  })
  const ended = new Promise((resolve) => body.once('end', resolve))
  await eventually('the first line', () => seen === 'one\n')
  const tail = await open(sandbox, 'live', { follow: true, tailLines: 0 })
  const after = text(tail)
  await writeFile(`${sandbox.rootOf('live')}/go`, '')
  await ended
  t.equal(seen, 'one\ntwo\n')
  t.equal(await after, 'two\n')
})

t.test('a follower that leaves ends its stream alone', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('stays', { containers: [sh('echo up; sleep 100')] })
  await sandbox.status('stays', 'runs', ({ phase }) => phase === 'Running')
  const gone = new AbortController()
  const body = await open(sandbox, 'stays', { follow: true, signal: gone.signal })
  const all = text(body)
  await eventually('its line', async () => (await sandbox.log('stays')) === 'up\n')
  gone.abort()
  t.equal(await all, 'up\n')
  t.equal(sandbox.getPod('stays')?.status?.phase, 'Running')
})

t.test('the run before is kept for `previous`', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  const script =
    'if [ -e kept/seen ]; then ls; echo second; sleep 100; fi; touch lost kept/seen; echo first; exit 1'
  const volumeMounts = [{ name: 'kept', mountPath: '/kept' }]
  sandbox.createPod('again', {
    containers: [{ ...sh(script), volumeMounts }],
    volumes: [{ name: 'kept', emptyDir: {} }],
  })
  await sandbox.status('again', 'was restarted', (s) => s.containerStatuses?.[0]?.restartCount === 1)
  await eventually('the second run', async () => (await sandbox.log('again')) === 'dev\nkept\nsecond\n')
  t.equal(await text(await open(sandbox, 'again', { previous: true })), 'first\n')
})

t.test('long lines are whole, and a long log is read from its end', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  const script = 'head -c 50000 /dev/zero | tr "\\0" x; echo; seq 1 50000'
  sandbox.createPod('long', { restartPolicy: 'Never', containers: [sh(script)] })
  await sandbox.status('long', 'is over', ({ phase }) => phase === 'Succeeded')
  const lines = (await sandbox.log('long')).split('\n')
  t.equal(lines[0], 'x'.repeat(50_000))
  t.equal(lines.length, 50_002)
  t.equal(await text(await open(sandbox, 'long', { tailLines: 2 })), '49999\n50000\n')
  t.equal((await text(await open(sandbox, 'long', { tailLines: 20_000 }))).split('\n')[0], '30001')
})

t.test('a container that has not started has no log, and says what it waits for', async (t) => {
  const sandbox = await startRuntimeHarness(t)
  sandbox.createPod('image', { containers: [{ name: 'main', image: 'nginx' }] })
  await sandbox.status(
    'image',
    'waits',
    (s) => s.containerStatuses?.[0]?.state.waiting?.reason === 'ErrImagePull',
  )
  await t.rejects(open(sandbox, 'image'), {
    code: 'bad_request',
    message: 'container "main" in pod "image" is waiting to start: ErrImagePull',
  })
})
