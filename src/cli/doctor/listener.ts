import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { Agent, request } from 'undici'
import { type Finding, findingsOf, reasonOf } from './finding.ts'

export interface ListenerOptions {
  /** What it is called in the findings: `gateway`, `operator listener`. */
  subject: string
  url: string
  /** PEM; the system's roots when absent. */
  ca: string | undefined
  now: () => number
}

const TIMEOUT_MS = 5_000
const DAY_MS = 86_400_000
const EXPIRES_SOON_MS = 14 * DAY_MS
/** The Date header has whole seconds, and the way takes time: less than this is no finding. */
const SKEW_WARN_MS = 10_000
/** A token lives 15 minutes; whoever is minutes off renews it too late. */
const SKEW_FAIL_MS = 120_000

/** Whether a listener of a gateway is there, who it says that it is, whether it is ready, and what time it has. */
export async function checkListener(options: ListenerOptions): Promise<Finding[]> {
  const { ok, fail } = findingsOf(options.subject)
  const url = new URL(options.url)
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const host = url.hostname.replace(/^\[|\]$/g, '')
  try {
    ;(await open(connectTcp({ host, port }), 'connect')).destroy()
  } catch (error) {
    return [
      fail(
        'reachable',
        `${host}:${port} does not answer: ${reasonOf(error)}`,
        'Check name, port, firewall and whether the gateway runs (its log says "the gateway is up").',
      ),
    ]
  }
  const reachable = ok('reachable', `${host}:${port} answers`)
  const tls = url.protocol === 'https:' ? await checkTls(options, host, port) : [plainHttp(options.subject)]
  if (tls.some(({ state }) => state === 'fail') && url.protocol === 'https:') return [reachable, ...tls]
  return [reachable, ...tls, ...(await checkReady(options))]
}

function plainHttp(subject: string): Finding {
  return findingsOf(subject).warn(
    'TLS',
    'the address is plain HTTP',
    'Use the address of the TLS proxy in front: kubectl sends no credentials over plain HTTP.',
  )
}

/** Never authorizes by itself: what is wrong with the certificate is the finding. */
async function checkTls(
  { subject, ca, now }: ListenerOptions,
  host: string,
  port: number,
): Promise<Finding[]> {
  const { ok, warn, fail } = findingsOf(subject)
  let socket: TLSSocket
  try {
    const servername = isIP(host) ? undefined : host
    socket = await open(
      connectTls({ host, port, servername, ca, rejectUnauthorized: false }),
      'secureConnect',
    )
  } catch (error) {
    return [
      fail(
        'TLS',
        `no TLS handshake: ${reasonOf(error)}`,
        'Check that this is the TLS port and no proxy is between.',
      ),
    ]
  }
  const certificate = socket.getPeerCertificate()
  const problem = socket.authorized ? undefined : String(socket.authorizationError)
  socket.destroy()
  if (problem !== undefined)
    return [fail('TLS', `the certificate is refused: ${problem}`, tlsRemedy(problem))]
  const left = Date.parse(certificate.valid_to) - now()
  const until = `good until ${certificate.valid_to}`
  if (left > EXPIRES_SOON_MS) return [ok('TLS', `the certificate is ${until}`)]
  return [
    warn(
      'TLS',
      `the certificate is only ${until}`,
      'Renew it: the gateway reads the files of --tls-cert and --tls-key again when they change.',
    ),
  ]
}

function tlsRemedy(problem: string): string {
  if (/ALTNAME|does not match|altnames/.test(problem)) {
    return 'Use a name that the certificate holds, or have this one added (--tls-names with --dev).'
  }
  if (/EXPIRED|NOT_YET_VALID/.test(problem)) return 'Renew the certificate, and check the clocks.'
  return 'Give the CA that signed it by --gateway-ca (of the operator listener: --ca); with --dev it is tls/ca.crt in the data directory.'
}

async function checkReady({ subject, url, ca, now }: ListenerOptions): Promise<Finding[]> {
  const { ok, warn, fail } = findingsOf(subject)
  const dispatcher = new Agent({ connect: { ca }, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS })
  try {
    const asked = now()
    const reply = await request(new URL('/readyz', url), { dispatcher })
    const text = await reply.body.text()
    const verdict = /readyz (ok|degraded|failed)/.exec(text)?.[1]
    if (verdict === undefined) {
      return [
        fail(
          'ready',
          `HTTP ${reply.statusCode}, not the answer of a gateway`,
          'Is this address that of a gateway?',
        ),
      ]
    }
    const notOk = text.split('\n').filter((line) => /^\[.\]\S+ (degraded|failed)$/.test(line))
    const said = notOk.map((line) => line.slice(3)).join(', ')
    const ready =
      verdict === 'ok'
        ? ok('ready', 'all checks are ok')
        : verdict === 'degraded'
          ? warn(
              'ready',
              `it serves, degraded: ${said}`,
              'See its log; without the database nothing new is admitted.',
            )
          : fail('ready', `it is not ready: ${said}`, 'See its log for the check that is named.')
    return [ready, clock(subject, reply.headers['date'], (asked + now()) / 2)]
  } catch (error) {
    return [fail('ready', `no answer to /readyz: ${reasonOf(error)}`, 'See the log of the gateway.')]
  } finally {
    await dispatcher.close()
  }
}

function clock(subject: string, header: string | string[] | undefined, nowMs: number): Finding {
  const { ok, warn, fail } = findingsOf(subject)
  const theirs = Date.parse(String(header))
  if (Number.isNaN(theirs))
    return warn('clock', 'it tells no time', 'A proxy took the Date header away; leave it in.')
  const skew = Math.abs(theirs - nowMs)
  const seconds = Math.round(skew / 1000)
  const remedy = 'Synchronise both clocks (NTP): tokens are good for minutes, certificates from a moment on.'
  if (skew > SKEW_FAIL_MS) return fail('clock', `the clocks are ${seconds} s apart`, remedy)
  if (skew > SKEW_WARN_MS) return warn('clock', `the clocks are ${seconds} s apart`, remedy)
  return ok('clock', 'the clocks agree')
}

function open<S extends Socket>(socket: S, event: 'connect' | 'secureConnect'): Promise<S> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`nothing within ${TIMEOUT_MS / 1000} s`)))
    socket.once('error', reject)
    socket.once(event, () => resolve(socket))
  })
}
