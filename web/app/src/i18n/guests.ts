import { englishGuests } from './en-guests.js';
import { wordsWith } from './index.js';
import { chineseGuests } from './zh-guests.js';

/** The page's words, and those of links for guests. */
export const t = wordsWith(englishGuests, chineseGuests);
