"""What the columns of tables and the fields of messages are called, in several languages, best name first.

A name is compared after ``normal``: lower case, words joined by ``_``.
"""

from __future__ import annotations

import re
import unicodedata

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[\W_]+")


def normal(name: str) -> str:
    """A name in one spelling.

    >>> [normal(name) for name in ("conversationId", "Reply-To ", "Äußerung", "created at")]
    ['conversation_id', 'reply_to', 'äusserung', 'created_at']
    """
    return _NO_WORD.sub("_", _HUMP.sub("_", unicodedata.normalize("NFKC", name)).casefold()).strip("_")


def _ranked(names: str) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(names.split())}


DIALOGUE = _ranked(
    """dialogue_id dialog_id conversation_id conv_id convo_id dialogue_idx dialog_idx dialogueid dialogid conversationid
    message_tree_id dialogue dialog conversation conversation_hash conv session_id session thread_id thread link_id
    dialogue_no dialog_no dialogue_number conversation_no gesprächs_id gespräch dialog_nr conversation_num
    dialogo_id id_dialogo dialogo diálogo id_conversación conversación id_conversa conversa dialogue_num
    диалог беседа 对话id 对话 会话id 会话 对话编号 対話id 対話 会話id 会話 대화id 대화_id 대화번호 대화_번호 세션"""
)
"""Rows that share it are one dialogue."""
CHAT = _ranked(
    "chat_id chat_name chat channel_id channel_name channel room_id room chatroom group_id group_name kanal чат"
)
"""Rows that share it are one chat, which goes on for months."""
SPEAKER = _ranked(
    """speaker role author from sender sender_name speaker_name author_name user_name username interlocutor_id
    interlocutor agent speaker_id speaker_role speaker_idx sender_id author_id from_id user_id participant_id
    participant user nickname nick character character_name screen_name person who name by actor party talker said_by
    sprecher sprecherin absender autor nutzer benutzer figur rolle von verfasser
    locuteur auteur expéditeur expediteur utilisateur personnage rôle
    hablante emisor remitente usuario personaje rol
    parlante autore mittente utente personaggio ruolo falante remetente usuário personagem
    spreker afzender gebruiker nadawca autor_wypowiedzi konuşmacı gönderen
    говорящий автор отправитель спикер пользователь персонаж имя роль
    说话人 说话者 发言人 发送者 发送人 作者 角色 用户 昵称 姓名 說話者 發送者 使用者
    話者 発話者 発言者 送信者 役割 ユーザー 名前 화자 발화자 작성자 보낸사람 보낸_사람 발신자 사용자 역할 이름"""
)
TEXT = _ranked(
    """text utterance message content body message_text utterance_text msg line line_text dialogue_text
    message_content message_body tweet comment said sentence value transcript dialogue dialog
    nachricht äusserung inhalt nachrichtentext texte énoncé contenu réplique texto mensaje contenido frase
    testo messaggio contenuto battuta mensagem conteúdo fala bericht tekst wiadomość treść metin mesaj
    текст сообщение реплика высказывание 文本 内容 消息 话语 发言 聊天内容 消息内容 內容 訊息
    テキスト 発話 発言 メッセージ 本文 内容 発話内容 텍스트 발화 발화문 메시지 내용 대화내용 문장"""
)
TIME = _ranked(
    """timestamp datetime date_time timestamp_ms created_at created_utc created_time created_date sent_at sent_time
    posted_at created sent unix_time unixtime epoch ts time date when message_time message_date
    zeitstempel zeitpunkt zeit datum horodatage heure fecha_hora fecha hora data_ora data ora data_hora
    дата_время время дата 时间戳 时间 日期 時間 発話時刻 日時 時刻 日付 타임스탬프 일시 시간 날짜"""
)
DATE = _ranked("date datum fecha data дата 日期 日付 날짜 day")
"""The day, in a table that has the time of day in a column of its own."""
ORDER = _ranked(
    """turn turn_id turn_idx turn_index turn_number turn_no utterance_idx utterance_index utterance_number
    utterance_id message_index message_idx sentence_index seq sequence position turno tour ターン 순서"""
)
"""The place of a row in its dialogue, where it is a number."""
ID = _ranked("message_id msg_id tweet_id comment_id post_id utterance_id id")
PARENT = _ranked(
    """reply_to reply_to_id reply_to_message_id in_reply_to in_reply_to_id in_response_to_tweet_id in_response_to
    replied_to_id parent_id parent_message_id parent quoted_id"""
)
"""The id of the message that a message answers."""
CONTEXT = _ranked(
    """question q prompt instruction query questions input source src context request stimulus post user_message
    user_input question_text input_text frage fragen question_fr pregunta domanda pergunta vraag pytanie soru
    вопрос вопросы 问题 问 提问 問題 質問 質問文 問い 질문 instruccion anfrage eingabe entrada"""
)
ASKED_WITH = frozenset({"instruction", "instruccion", "anweisung", "指令", "指示"})
DETAILS = _ranked("input eingabe entrada entrée 输入 入力 입력")
"""What an instruction is about, beside it."""
REPLY = _ranked(
    """answer a response reply output completion target tgt answers bot_response bot_reply answer_text output_text
    response_text antwort antworten réponse reponse respuesta risposta resposta antwoord odpowiedź odpowiedz
    cevap yanıt ответ ответы 答案 回答 答 回复 答复 回覆 応答 返答 答え 답변 응답 대답 답 ausgabe salida"""
)
HISTORY = _ranked("history dialogue_history dialog_history chat_history conversation_history context contexts")
"""A list of what was said before a reply."""
ASKS = _ranked("question prompt query customer client user usr human person1 speaker1 cliente nutzer kunde")
"""Words in the name of the one column of two with what the first of two people says."""
REPLIES = _ranked("answer reply response bot chatbot gpt assistant agent system sys person2 speaker2")
"""Words in the name of the other one."""
LISTS = _ranked(
    """messages conversations conversation dialogue dialog dialogues dialogs turns utterances chat chats thread
    threads exchanges rounds history log logs content lines chosen replies comments posts talk data
    conversaciones conversación diálogo mensajes nachrichten gespräch 对话 会话 対話 会話 대화 диалог сообщения"""
)
"""A list of messages."""
SINGLE = _ranked("""dialogue dialog conversation chat history log turns exchanges rounds talk 对话 対話 대화""")
"""A list so called is one dialogue, whatever it is a list of."""
SPEAKERS = _ranked("speakers roles speaker role authors from users interlocutors participants agents")
"""A list as long as that of the messages, with who says each."""
NOT_TALK = _ranked(
    """persona personas personality profile profiles bot_profile user_profile candidates knowledge label labels
    annotations annotation segments entities tags options choices keywords distractors negatives rejected documents
    passages evidence facts tokens spans slots actions acts act emotions emotion sentiment topics attachments
    reactions files members participants metadata meta references sources suggestions evaluations ratings summary
    title titles description headers args arguments scripts dependencies requirements authors contributors"""
)
"""A list so called is about the talk, or about nothing of the kind."""
NOT_SPEAKER = _ranked(
    """label labels sentiment emotion category class type kind tag topic intent act lang language split rating score
    status domain service services vertical source subset gender id index level logger severity"""
)
"""Few values that come back, and no names of people."""
LOGS = _ranked("""level loglevel log_level severity logger pid process thread_name hostname facility stacktrace
    rule_id error_code errno exit_code""")
"""Columns of the logs of programs."""
UNRELATED = _ranked(
    """sentence1 sentence2 sentence_1 sentence_2 premise hypothesis summary highlights abstract title headline
    translation description article paraphrase en de fr es ru zh english german french spanish"""
)
"""Texts that stand beside each other and do not answer each other."""
ARTICLES = _ranked("title headline abstract subject rating stars price review")
"""Columns of things that people publish, where nobody answers."""
INSTRUCTIONS = frozenset({"system", "tool", "function", "developer"})
"""Roles that instruct or compute."""
ROLES = (
    INSTRUCTIONS
    | _ranked(
        """user human gpt assistant bot chatbot chatgpt model ai agent observation function_call customer client
    prompter function_response tool_call bing bard claude char"""
    ).keys()
)
"""What speakers are called in the conversations of assistants, whatever the column with these names is called."""
TELLS = frozenset({"system", "developer"})
"""Those of them that tell how to reply."""


def is_known(name: str) -> bool:
    """Whether a name of a column is known, whatever it means.

    >>> is_known("Time Stamp"), is_known("timestamp"), is_known("Hi there")
    (False, True, False)
    """
    lexicons = (DIALOGUE, CHAT, SPEAKER, TEXT, TIME, ORDER, ID, PARENT, CONTEXT, REPLY, NOT_SPEAKER, UNRELATED, LOGS)
    return any(normal(name) in lexicon for lexicon in lexicons)
