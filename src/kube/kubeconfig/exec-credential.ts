import { spawn } from 'node:child_process'
import type { Clock } from '../../lib/clock.ts'
import { type Fields, fieldFault, isFields, optionalText } from './document.ts'

/** What an exec plugin hands out (client.authentication.k8s.io, ExecCredential.status). */
export interface ExecCredential {
  token?: string
  clientCertificate?: { cert: string; key: string }
  /** Epoch milliseconds; undefined: good until it is refused. */
  expiresAtMs?: number
}

const OUTPUT_MAX = 1024 * 1024
const TIMEOUT_MS = 60_000
/** A token this close to its end is not used any more. */
const MARGIN_MS = 10_000

export interface ExecOptions {
  /** `users[].user.exec`. */
  exec: Fields
  /** For errors. */
  path: string
  /** Of the process; the plugin's own variables are added. */
  env: Readonly<Record<string, string | undefined>>
  /** The kubeconfig's directory, against which a relative command with a slash counts. */
  directory: string
  /** `clusters[].cluster` for `provideClusterInfo`. */
  cluster: Fields
  clock: Clock
}

/**
 * Runs the plugin when nothing fresh is at hand; callers at the same time share one run.
 * @throws IsthmusError invalid for a plugin that fails or answers badly
 */
export function createExecCredentials(options: ExecOptions): () => Promise<ExecCredential> {
  let current: ExecCredential | undefined
  let running: Promise<ExecCredential> | undefined
  return async () => {
    const fresh = current && (current.expiresAtMs ?? Infinity) - MARGIN_MS > options.clock.now()
    if (current && fresh) return current
    running ??= runPlugin(options)
      .then((credential) => {
        current = credential
        return credential
      })
      .finally(() => {
        running = undefined
      })
    return running
  }
}

async function runPlugin({ exec, path, env, directory, cluster }: ExecOptions): Promise<ExecCredential> {
  const command = optionalText(exec, 'command', path)
  const apiVersion = optionalText(exec, 'apiVersion', path)
  if (command === undefined) throw fieldFault(`${path}.command`, 'is required')
  if (!apiVersion || !/^client\.authentication\.k8s\.io\/v1(beta1)?$/.test(apiVersion)) {
    throw fieldFault(`${path}.apiVersion`, 'must be client.authentication.k8s.io/v1 or v1beta1')
  }
  const spec = { interactive: false, ...(exec['provideClusterInfo'] === true ? { cluster } : {}) }
  const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec })
  const args = (Array.isArray(exec['args']) ? exec['args'] : []).map(String)
  const own = (Array.isArray(exec['env']) ? exec['env'] : [])
    .filter(isFields)
    .map(({ name, value }): [string, string] => [String(name), String(value)])
  const output = await run(command, args, {
    env: { ...env, ...Object.fromEntries(own), KUBERNETES_EXEC_INFO: info },
    directory,
    path,
  })
  return readCredential(output, path)
}

function run(
  command: string,
  args: string[],
  { env, directory, path }: { env: NodeJS.ProcessEnv; directory: string; path: string },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env,
      cwd: command.includes('/') ? directory : undefined,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // Not spawn's own `timeout`: its timer outlives a command that could not be started.
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
    let output = ''
    let complaint = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.length > OUTPUT_MAX) child.kill('SIGKILL')
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2000)
    })
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(fieldFault(`${path}.command`, `${command} can not be run`, error))
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      if (code === 0) resolve(output)
      else reject(fieldFault(`${path}.command`, `${command} ended with ${code}: ${complaint.trim()}`))
    })
  })
}

function readCredential(output: string, path: string): ExecCredential {
  let answer: unknown
  try {
    answer = JSON.parse(output)
  } catch (error) {
    throw fieldFault(`${path}.command`, 'did not print JSON', error)
  }
  const status = isFields(answer) && answer['kind'] === 'ExecCredential' ? answer['status'] : undefined
  if (!isFields(status)) throw fieldFault(`${path}.command`, 'did not print an ExecCredential with a status')
  const token = optionalText(status, 'token', 'status')
  const cert = optionalText(status, 'clientCertificateData', 'status')
  const key = optionalText(status, 'clientKeyData', 'status')
  const expires = optionalText(status, 'expirationTimestamp', 'status')
  if (token === undefined && (cert === undefined || key === undefined)) {
    throw fieldFault(`${path}.command`, 'gave neither a token nor a certificate with its key')
  }
  return {
    token,
    clientCertificate: cert !== undefined && key !== undefined ? { cert, key } : undefined,
    expiresAtMs: expires === undefined ? undefined : Date.parse(expires) || 0,
  }
}
