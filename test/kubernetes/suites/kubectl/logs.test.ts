// kubectl logs, and the long waits: a log of three minutes with a quiet one inside, an exec that is silent for 80 s.
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'
import { STAY } from '../../../support/world/workloads.ts'
import { openStage, PROTOCOLS, printed, type RunningKubectl, type Stage } from './stage.ts'

t.setTimeout(600_000)
/** The speaker talks for a minute, is quiet for one, and talks for another. */
const MINUTE = 60
const SPEECH_MS = 3 * MINUTE * 1_000 + 60_000
const SILENCE_SECONDS = 80

const SPEAKER = `
  say() { i=$1; while [ $i -le $2 ]; do echo line $i; i=$((i+1)); sleep 1; done; }
  trap 'exit 0' TERM
  say 1 ${MINUTE}; sleep ${MINUTE}; say ${MINUTE + 1} ${2 * MINUTE}; echo end; ${STAY}`
const SPEECH = [...Array.from({ length: 2 * MINUTE }, (_, index) => `line ${index + 1}`), 'end', ''].join(
  '\n',
)

let stage: Stage
/** Started first, looked at last, so that the long waits are one. */
const followers: { where: string; kubectl: RunningKubectl }[] = []
const silent: { where: string; kubectl: RunningKubectl }[] = []

t.before(async () => {
  stage = await openStage({ tenant: 'logs' })
  const phoenix = `if [ -e /data/x ]; then echo second; ${STAY}; fi; touch /data/x; echo first; exit 3`
  await stage.apply(
    stage.pod('speaker', { script: SPEAKER }),
    stage.pod('clock', { script: `while true; do date +%s; sleep 0.5; done` }),
    stage.pod('phoenix', {
      script: phoenix,
      container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      volumes: [{ name: 'data', emptyDir: {} }],
    }),
  )
  await stage.ready('speaker', 'clock')
  for (const { name, env } of PROTOCOLS) {
    for (const face of stage.faces) {
      const where = `${face.name}, ${name}`
      followers.push({ where, kubectl: face.start(['logs', '-f', 'speaker'], env) })
      const script = `sleep ${SILENCE_SECONDS}; echo awake; exit 3`
      silent.push({ where, kubectl: face.start(['exec', 'clock', '--', 'sh', '-c', script], env) })
    }
  }
})
t.teardown(async () => {
  for (const { kubectl } of [...followers, ...silent]) await kubectl.stop()
  await stage?.close()
})

for (const end of [0, 1] as const) {
  const where = end === 0 ? 'user cluster' : 'gateway'
  const logs = async (...args: string[]) => (await stage.faces[end].kubectl(['logs', ...args])).stdout
  const lines = async (...args: string[]) => (await logs(...args)).split('\n').filter((line) => line !== '')

  t.test(`logs shows all, --tail the end of it, --tail=0 nothing (${where})`, async (t) => {
    t.match(await logs('speaker'), /^line 1\nline 2\n/)
    t.equal(await logs('speaker', '--tail=0'), '')
    t.match(await lines('speaker', '--tail=2'), [/^(line \d+|end)$/, /^(line \d+|end)$/])
    t.equal((await lines('speaker', '--tail=2')).length, 2)
    t.equal(await logs('speaker', '--limit-bytes=6'), 'line 1')
    t.match(await logs('speaker', '--timestamps', '--limit-bytes=37'), /^\d{4}-\d\d-\d\dT[\d:.]+Z line 1/)
  })

  t.test(`--since leaves out what is older (${where})`, async (t) => {
    await eventually('the log is older than 5 s', async () => (await lines('clock')).length > 10, 60_000)
    const before = Math.floor(Date.now() / 1_000)
    const recent = (await lines('clock', '--since=2s')).map(Number)
    t.ok(recent.length > 0)
    t.ok(
      recent.every((second) => second >= before - 3),
      `${before}: ${recent}`,
    )
    const time = new Date((before - 4) * 1_000).toISOString()
    const since = (await lines('clock', `--since-time=${time}`)).map(Number)
    t.ok(since.every((second) => second >= before - 5) && since.length > recent.length)
  })

  t.test(`logs -f --tail=0 begins with what comes next (${where})`, async (t) => {
    const [last = ''] = await lines('clock', '--tail=1')
    const follower = stage.faces[end].start(['logs', '-f', '--tail=0', 'clock'])
    await printed(follower, /\d+\n\d+\n/)
    await follower.stop()
    t.ok(Number(follower.stdout().split('\n')[0]) >= Number(last))
  })

  t.test(`--previous is the log of the container before (${where})`, async (t) => {
    await stage.ready('phoenix')
    t.equal(await logs('phoenix', '--previous'), 'first\n')
    t.equal(await logs('phoenix'), 'second\n')
    const none = await stage.faces[end].kubectl(['logs', 'clock', '--previous'], { allowFailure: true })
    t.equal(none.code, 1)
    t.equal(
      none.stderr,
      'Error from server (BadRequest): previous terminated container "main" in pod "clock" not found\n',
    )
  })
}

t.test('an exec that says nothing for 80 s ends with its output and its code', async (t) => {
  for (const { where, kubectl } of silent) {
    t.equal(await kubectl.ended, 3, where)
    t.equal(kubectl.stdout(), 'awake\n', where)
  }
})

t.test('logs -f over 3 minutes with a quiet one inside: every line once, in order', async (t) => {
  for (const { where, kubectl } of followers) {
    await printed(kubectl, /^end$/m, SPEECH_MS)
    t.equal(kubectl.stdout(), SPEECH, where)
  }
})

t.test('logs -f ends by itself with the pod', async (t) => {
  await stage.user.kubectl(['delete', 'pod', 'speaker', '--wait=false'])
  for (const { where, kubectl } of followers) t.equal(await kubectl.ended, 0, where)
})
