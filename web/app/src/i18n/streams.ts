import { englishStreams } from './en-streams.js';
import { wordsWith } from './index.js';
import { chineseStreams } from './zh-streams.js';

/** The page's words, and those of the screens of stream keys. */
export const t = wordsWith(englishStreams, chineseStreams);
