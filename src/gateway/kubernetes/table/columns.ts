/** metav1.TableColumnDefinition. */
export interface Column {
  name: string
  type: 'string' | 'integer'
  format: '' | 'name'
  description: string
  /** 0 is always shown, 1 with `-o wide`. */
  priority: 0 | 1
}

function column(name: string, description: string, priority: 0 | 1 = 0): Column {
  return { name, type: 'string', format: name === 'Name' ? 'name' : '', description, priority }
}

const NAME = column('Name', 'Name must be unique within a namespace.')
const AGE = column('Age', 'How long ago the object was created.')

/** Columns by kind, in the order of Kubernetes' own printers (pkg/printers/internalversion, v1.36). */
export const columnsByKind: Readonly<Record<string, readonly Column[]>> = {
  Pod: [
    NAME,
    column('Ready', 'The aggregate readiness state of this pod for accepting traffic.'),
    column('Status', 'The aggregate status of the containers in this pod.'),
    column(
      'Restarts',
      'How often the containers in this pod have been restarted, and when the last one was.',
    ),
    AGE,
    column('IP', 'Address of the pod.', 1),
    column('Node', 'Node that runs the pod.', 1),
    column('Nominated Node', 'Always <none> here.', 1),
    column('Readiness Gates', 'How many readiness gates are open.', 1),
  ],
  ConfigMap: [NAME, column('Data', 'How many keys there are.'), AGE],
  Secret: [NAME, column('Type', 'What the secret is for.'), column('Data', 'How many keys there are.'), AGE],
  Namespace: [NAME, column('Status', 'The status of the namespace'), AGE],
  Event: [
    column('Last Seen', 'How long ago it was last seen.'),
    column('Type', 'Normal or Warning.'),
    column('Reason', 'Why, in one word.'),
    column('Object', 'What it is about.'),
    column('Subobject', 'Which part of it.', 1),
    column('Source', 'Who reports it.', 1),
    column('Message', 'What happened.'),
    column('First Seen', 'How long ago it was first seen.', 1),
    column('Count', 'How often it was seen.', 1),
    { ...NAME, priority: 1 },
  ],
}
