import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createTestCa } from './certificates.ts'
import { type SandboxFace, startSandboxFace } from './kube-face.ts'
import type { Test } from './tap.ts'

export interface KubectlRun {
  code: number
  out: string
  err: string
}

export interface KubectlFace extends SandboxFace {
  /** Runs kubectl against the face with a credential of its first node; `input` goes to its stdin. */
  kubectl(args: readonly string[], input?: string): Promise<KubectlRun>
}

/** An installed kubectl, or the one that the harness for real Kubernetes has built; undefined where there is none. */
export function findKubectl(): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((dir) => join(dir, 'kubectl'))
  return [...onPath, ...builtOnes()].find((file) => existsSync(file))
}

function builtOnes(): string[] {
  const cache = process.env['ISTHMUS_CACHE'] || join(homedir(), '.cache/isthmus')
  const inside = (dir: string) => (existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name)) : [])
  return inside(cache)
    .filter((dir) => /kubernetes-1\.\d+\.\d+$/.test(dir))
    .sort()
    .reverse()
    .flatMap(inside)
    .map((dir) => join(dir, 'bin', 'kubectl'))
}

/** A Kubernetes face before a sandbox, over TLS, and kubectl with a kubeconfig for it. */
export async function startKubectlFace(t: Test, kubectl: string): Promise<KubectlFace> {
  const authority = await createTestCa()
  const tls = { ...(await authority.issue()), ca: authority.ca }
  const face = await startSandboxFace(t, undefined, tls)
  const home = await mkdtemp(join(tmpdir(), 'isthmus-kubectl-'))
  t.teardown(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'face',
    contexts: [{ name: 'face', context: { cluster: 'face', user: 'node' } }],
    clusters: [
      { name: 'face', cluster: { server: face.url, 'certificate-authority-data': btoa(authority.ca) } },
    ],
    users: [{ name: 'node', user: { token: face.token } }],
  }
  const file = join(home, 'kubeconfig')
  await writeFile(file, JSON.stringify(config), { mode: 0o600 })
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, KUBECONFIG: file }
  return {
    ...face,
    kubectl: (args, input) =>
      new Promise((resolve) => {
        const child = execFile(kubectl, args, { env, cwd: home, timeout: 60_000 }, (error, out, err) =>
          resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
        )
        child.stdin?.on('error', () => {}) // one that refuses at once does not read what it is fed
        child.stdin?.end(input)
      }),
  }
}
