/** What servers on one store tell each other: that something there changed which the others keep in memory or wait for. */
export type Topic = 'queue' | 'cancels' | 'handlers' | 'keys' | 'deliveries';

/**
 * Best effort and without content: a signal may come late, twice or never, so whoever listens also looks by itself at intervals.
 * The adapter signals by itself when it writes; a server may hear its own signals.
 */
export interface Signals {
  /** The answer stops listening. */
  listen(listener: (topic: Topic) => void): () => void;
}
