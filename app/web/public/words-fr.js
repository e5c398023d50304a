// The public page in French.

export const FRENCH = {
  language: "Langue",
  loading: "Chargement…",
  status: {
    draft: "En préparation",
    scheduled: "Pas encore commencé",
    live: "En direct",
    paused: "En pause",
    ended: "Terminé · résultat provisoire",
    final: "Résultat définitif",
  },
  pending: "Résultats à venir",
  startsIn: (left) => `Commence dans ${left}`,
  endsIn: (left) => `Se termine dans ${left}`,
  endedAt: (time) => `Terminé le ${time}`,
  finalSince: (time) => `Définitif depuis le ${time}`,
  from: (start, end, zone) => `${start} – ${end} (${zone})`,
  watching: (count, shown) => `${shown} ${count < 2 ? "personne regarde" : "personnes regardent"}`,
  stale: (time) => `Connexion perdue. Ces chiffres étaient exacts à ${time} ; nouvel essai…`,
  ended: (time) => `Accès terminé. Ces chiffres étaient exacts à ${time}.`,
  again: "Réessayer",
  notices: {
    closed: ["Cet événement n’est pas public", "Il n’y a pas d’événement ici, ou son organisateur ne l’a pas ouvert à tous."],
    refused: ["Ce lien n’est plus valable", "Il a expiré ou a été retiré. Demandez-en un nouveau à qui vous l’a donné."],
    unknown: ["Ce lien est celui d’un autre événement", "Vérifiez l’adresse, ou demandez la bonne à qui vous l’a donnée."],
    gone: ["Le serveur est injoignable", "Rien n’est perdu. Cette page réessaie d’elle-même."],
  },
  air: "En direct maintenant",
  airEmpty: "Personne n’est à l’antenne pour le moment.",
  onAir: "Direct",
  since: (time) => `depuis ${time}`,
  somebody: "À l’antenne",
  code: (code) => `Code ${code}`,
  offerUntil: (left) => `L’offre se termine dans ${left}`,
  offerFrom: (time) => `Offre à partir de ${time}`,
  goals: "Objectifs",
  goalOf: (value, target) => `${value} sur ${target}`,
  reached: (time) => `Atteint à ${time}`,
  boards: "Classement",
  of: { teams: "Équipes", hosts: "Hôtes" },
  one: { teams: "Équipe", hosts: "Hôte" },
  measure: "Ventes nettes",
  window: "Période",
  windows: { event: "Tout l’événement", day: "Aujourd’hui" },
  rank: "Rang",
  total: (amount) => `${amount} en tout`,
  behind: (gap) => `à ${gap}`,
  up: (places) => `gagne ${places}`,
  down: (places) => `perd ${places}`,
  boardEmpty: { event: "Personne ne figure encore dans ce classement.", day: "Rien n’a encore été vendu aujourd’hui." },
  boardLoading: "Chargement du classement…",
  more: (count) => `En montrer ${count} de plus`,
  less: "Ne montrer que les 10 premiers",
  first: (shown, total) => `Les ${shown} premiers sur ${total}.`,
  ranks: (name, rank) => `${name} est maintenant numéro ${rank}`,
  sales: "Dernières ventes",
  nobody: "Aucun hôte",
  salesEmpty: "Rien n’a encore été vendu.",
  foot: "Chaque chiffre de cette page est calculé à partir d’un journal que chacun peut recompter.",

  scoring: "Comment les points sont comptés",
  scoringMeasure:
    "Hôtes et équipes sont classés par ventes nettes : le prix de leurs commandes après remises, sans frais de port ni " +
    "taxes, moins les remboursements, les annulations et les litiges.",
  scoringTeam: "Une équipe a la somme de ce que ses hôtes ont vendu pendant qu’ils en faisaient partie.",
  scoringWhen: "Quand une commande compte",
  scoringWindow: (start, end) =>
    `Une commande compte si elle a été payée du ${start} au ${end}, même si la boutique l’annonce plus tard, tant que le ` +
    "résultat n’est pas définitif.",
  scoringDay: (zone) => `Un jour commence et finit à minuit, heure de ${zone}.`,
  scoringRefunds:
    "Ce qui est remboursé, annulé ou contesté est retiré du jour où la commande a été payée, jusqu’au résultat définitif. " +
    "Un litige que la boutique gagne est comme s’il n’avait jamais existé.",
  scoringTies: "À égalité",
  ties: {
    distinct: "Qui a atteint ce total le premier est devant.",
    shared: "Le rang est partagé et le suivant est sauté : 1, 2, 2, 4.",
  },
  scoringWho: "À qui revient une vente",
  scoringFirst: "Chaque ligne d’une commande revient au premier de ceux-ci qui existe :",
  touch: {
    host: () => "l’hôte que la boutique nomme dans la commande",
    code: () => "l’hôte dont le code promo a été utilisé",
    click: (days) => `l’hôte dont l’acheteur a suivi le lien au plus ${days} jours avant de payer`,
    session: () => "les hôtes du direct que la commande nomme",
    pin: (days) =>
      "les hôtes du direct où le produit était épinglé quand il a été mis au panier, au plus " +
      `${days} jours plus tôt, ou sinon quand il a été payé`,
  },
  scoringNobody: "S’il n’y en a aucun, la vente compte pour l’événement et pour aucun hôte ni équipe.",
  split: {
    weights: "Les hôtes d’un même direct partagent selon les parts qui lui ont été données, au centime près.",
    equal: "Les hôtes d’un même direct partagent à parts égales, au centime près.",
    air_time: "Les hôtes d’un même direct partagent selon leur temps d’antenne, au centime près.",
  },
  selfExcluded: "Ce qu’un hôte achète à lui-même n’est attribué à personne.",
  staffExcluded: "Ce qu’achète un hôte de l’événement n’est attribué à personne.",
  purchasesCount: "Ce qu’achètent les hôtes compte comme toute autre commande.",
  store: (share) => `Le magasin d’un hôte reçoit ${share} de ce que l’hôte vend, s’il participe.`,
  scoringClaims: (days, answer) =>
    `Un hôte peut réclamer une vente pendant ${days} jours après son paiement ; la réponse vient sous ${answer} jours. ` +
    "Une correction est une écriture à part, avec son motif ; rien n’est jamais modifié ni effacé.",
  version: (number) => `Version ${number} du règlement.`,

  verify: "Vérifiez ce résultat vous-même",
  verifyWhy:
    "Tout ce qui peut changer un chiffre ici est une écriture d’un seul journal. Chacune porte l’empreinte de la précédente : " +
    "aucune ne peut être changée, omise ou ajoutée après coup sans changer toutes les empreintes suivantes.",
  verifySigned: "La dernière empreinte signée",
  verifySignedWhy:
    "Notez-la maintenant, avec celle de la clé : un journal qui mènerait plus tard à un autre résultat ne peut pas la contenir.",
  verifyUnsigned: "Aucune empreinte n’est encore signée. La première l’est environ une minute après la première écriture.",
  verifyResult: "Le résultat définitif",
  verifyResultWhy: (position) =>
    `Tous les classements s’arrêtent à l’écriture ${position}. Son empreinte vaut pour tout ce dont le résultat est compté :`,
  hash: "Empreinte",
  signedAt: "Signée",
  fingerprint: "Empreinte de la clé",
  keys: "toutes les clés publiques",
  verifyHow: "Comment le recompter",
  verifyPackage: "Demandez à l’organisateur le dossier du résultat, un fichier qui contient tout le journal.",
  verifyRun: "Avec Python et rien d’autre, sans ce serveur :",
  verifyCompare:
    "Le programme vérifie chaque empreinte et chaque signature, additionne chaque vente et affiche les classements : " +
    "comparez-les à cette page.",
};
