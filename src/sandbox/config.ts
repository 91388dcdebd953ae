import {
  type ReadSettings,
  readSettings,
  type SettingSources,
  setting,
  type Values,
} from '../lib/settings.ts'

const rate = (flag: string, env: string, description: string) =>
  setting.integer(
    { flag, env, description: `${description}, in percent of requests.`, default: 0 },
    { min: 0, max: 100 },
  )

/** Every setting of `isthmus sandbox`. */
export const sandboxSettings = {
  role: setting.choice(['data-plane', 'user-cluster'], {
    flag: 'role',
    env: 'ISTHMUS_SANDBOX_ROLE',
    description:
      '`data-plane`: pods are child processes of this machine. `user-cluster`: pods are scheduled to nodes that register, such as an Isthmus agent.',
    default: 'data-plane',
  }),
  dir: setting.path({
    flag: 'dir',
    env: 'ISTHMUS_SANDBOX_DIR',
    description: 'Holds the CA, kubeconfigs and the files of pods. Objects live in memory alone.',
    default: '.isthmus-sandbox',
  }),
  host: setting.text({
    flag: 'host',
    env: 'ISTHMUS_SANDBOX_HOST',
    description: 'Address to listen on. Leave it on loopback: whoever may create pods runs programs as you.',
    default: '127.0.0.1',
  }),
  port: setting.integer(
    { flag: 'port', env: 'ISTHMUS_SANDBOX_PORT', description: 'Port; 0 takes a free one.', default: 6443 },
    { min: 0, max: 65_535 },
  ),
  authorization: setting.choice(['rbac', 'none'], {
    flag: 'authorization',
    env: 'ISTHMUS_SANDBOX_AUTHORIZATION',
    description:
      '`rbac`: Node and RBAC authorizers with NodeRestriction; `none`: everybody may do everything.',
    default: 'rbac',
  }),
  tokenFile: setting.path({
    flag: 'token-file',
    env: 'ISTHMUS_SANDBOX_TOKEN_FILE',
    description: 'Bearer tokens, one a line: `token,user,group1|group2`.',
    optional: true,
  }),
  identity: setting.list({
    flag: 'identity',
    env: 'ISTHMUS_SANDBOX_IDENTITY',
    description:
      'Users for whom a kubeconfig with a client certificate is written, `user=group+group`, such as `system:node:east=system:nodes`.',
    optional: true,
  }),
  latency: setting.duration({
    flag: 'fault-latency',
    env: 'ISTHMUS_SANDBOX_FAULT_LATENCY',
    description: 'Fault injection: added before each answer.',
    default: 0,
  }),
  resets: rate(
    'fault-resets',
    'ISTHMUS_SANDBOX_FAULT_RESETS',
    'Fault injection: connections cut without an answer',
  ),
  errors: rate('fault-errors', 'ISTHMUS_SANDBOX_FAULT_ERRORS', 'Fault injection: answered 500'),
  gone: rate('fault-gone', 'ISTHMUS_SANDBOX_FAULT_GONE', 'Fault injection: watches answered 410'),
  readyFile: setting.path({
    flag: 'ready-file',
    env: 'ISTHMUS_SANDBOX_READY_FILE',
    description: 'Written (JSON: addresses and files) once the API answers.',
    optional: true,
  }),
  logLevel: setting.choice(['debug', 'info', 'warn', 'error'], {
    flag: 'log-level',
    env: 'ISTHMUS_LOG_LEVEL',
    description: 'Least level that is logged.',
    default: 'info',
  }),
}

export type SandboxConfig = Values<typeof sandboxSettings>

/** Reads the sandbox's settings. @throws SettingsError with every fault at once. */
export function readSandboxConfig(sources: SettingSources): ReadSettings<typeof sandboxSettings> {
  return readSettings(sandboxSettings, sources)
}
