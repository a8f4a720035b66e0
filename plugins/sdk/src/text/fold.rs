//! Folding letters to ASCII, for made-up email addresses.
//!
//! The tables are those of the library `deunicode`, which a test holds them against: the library itself knows every script
//! and makes a component by half a megabyte larger.

use std::borrow::Cow;

/// The letters from `À` on as those who type without accents write them: two characters each, `_` where there is none.
const LATIN: &str = "\
    A_A_A_A_A_A_AEC_E_E_E_E_I_I_I_I_D_N_O_O_O_O_O___O_U_U_U_U_Y_Thssa_a_a_a_a_a_aec_e_e_e_e_i_i_i_i_d_n_\
    o_o_o_o_o___o_u_u_u_u_y_thy_A_a_A_a_A_a_C_c_C_c_C_c_C_c_D_d_D_d_E_e_E_e_E_e_E_e_E_e_G_g_G_g_G_g_G_g_\
    H_h_H_h_I_i_I_i_I_i_I_i_I_i_IJijJ_j_K_k_k_L_l_L_l_L_l_L_l_L_l_N_n_N_n_N_n_n_ngNGO_o_O_o_O_o_OEoeR_r_\
    R_r_R_r_S_s_S_s_S_s_S_s_T_t_T_t_T_t_U_u_U_u_U_u_U_u_U_u_U_u_W_w_Y_y_Y_Z_z_Z_z_Z_z_s_b_B_B_b_6_6_O_C_\
    c_D_D_D_d_d_3___E_F_f_G_G_hvI_I_K_k_l_l_W_N_n_O_O_o_OIoiP_p_YR2_2_SHsht_T_t_T_U_u_Y_V_Y_y_Z_z_ZHZHzh\
    zh2_5_5_tsw_________DZDzdzLJLjljNJNjnjA_a_I_i_O_o_U_u_U_u_U_u_U_u_U_u___A_a_A_a_AEaeG_g_G_g_K_k_O_o_\
    O_o_ZHzhj_DZDzdzG_g_HVW_N_n_A_a_AEaeO_o_A_a_A_a_E_e_E_e_I_i_I_i_O_o_O_o_R_r_R_r_U_u_U_u_S_s_T_t_Y_y_\
    H_h_N_d_OUouZ_z_A_a_E_e_O_o_O_o_O_o_O_o_Y_y_l_n_t_j_dbqpA_C_c_L_T_s_z_____B_U___E_e_J_j_q_q_R_r_Y_y_";

/// The letters from `Ḁ` on, likewise.
const LATIN_ADDITIONAL: &str = "\
    A_a_B_b_B_b_B_b_C_c_D_d_D_d_D_d_D_d_D_d_E_e_E_e_E_e_E_e_E_e_F_f_G_g_H_h_H_h_H_h_H_h_H_h_I_i_I_i_K_k_\
    K_k_K_k_L_l_L_l_L_l_L_l_M_m_M_m_M_m_N_n_N_n_N_n_N_n_O_o_O_o_O_o_O_o_P_p_P_p_R_r_R_r_R_r_R_r_S_s_S_s_\
    S_s_S_s_S_s_T_t_T_t_T_t_T_t_U_u_U_u_U_u_U_u_U_u_V_v_V_v_W_w_W_w_W_w_W_w_W_w_X_x_X_x_Y_y_Z_z_Z_z_Z_z_\
    h_t_w_y_a_s_s_s_Ssd_A_a_A_a_A_a_A_a_A_a_A_a_A_a_A_a_A_a_A_a_A_a_A_a_E_e_E_e_E_e_E_e_E_e_E_e_E_e_E_e_\
    I_i_I_i_O_o_O_o_O_o_O_o_O_o_O_o_O_o_O_o_O_o_O_o_O_o_O_o_U_u_U_u_U_u_U_u_U_u_U_u_U_u_Y_y_Y_y_Y_y_Y_y_\
    LLllV_v_Y_y_";

/// The ASCII letters and digits of a text, accents taken off, anything else left out, hyphens kept inside:
/// `Tāne` → `Tane`, `O'Brien` → `OBrien`, `Mary Jane` → `MaryJane`. Letters of scripts that have no ASCII base,
/// such as Cyrillic or Chinese, are left out, so that the result may be empty.
#[must_use]
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => folded.push(c),
            c => folded.push_str(base(c)),
        }
    }
    Cow::Owned(folded.trim_matches('-').to_owned())
}

/// A Latin letter as those who type without accents write it; nothing of any other character.
fn base(c: char) -> &'static str {
    let (letters, first) = match c {
        'À'..='ɏ' => (LATIN, 'À'),
        'Ḁ'..='ỿ' => (LATIN_ADDITIONAL, 'Ḁ'),
        _ => return "",
    };
    let at = 2 * (c as usize - first as usize);
    letters.get(at..at + 2).unwrap_or_default().trim_end_matches('_')
}

#[cfg(test)]
mod tests {
    use deunicode::deunicode_char;

    use super::{LATIN, LATIN_ADDITIONAL, ascii, base};

    #[track_caller]
    fn check(text: &str, folded: &str) {
        assert_eq!(ascii(text), folded);
    }

    #[test]
    fn letters_lose_their_marks_and_nothing_else() {
        check("Ayda", "Ayda");
        check("Tāne", "Tane");
        check("Ngāwhārua", "Ngawharua");
        check("O'Brien", "OBrien");
        check("O’Brien", "OBrien");
        check("Mary Jane", "MaryJane");
        check("Smith-Jones", "Smith-Jones");
        check("José", "Jose");
        check("Müller", "Muller");
        check("Strauß", "Strauss");
        check("Æsa Øre", "AEsaOre");
        check("Łukasz", "Lukasz");
        check("Nguyễn", "Nguyen");
        check("e\u{301}", "e");
        check("Ștefan", "Stefan");
        check("Ǎn Þóra Ĳssel Ẃyn", "AnThoraIJsselWyn");
        check("2 × 3", "23");
        check("Анна", "");
        check("王", "");
        check("--", "");
        check("-Ann-Lee- 2", "Ann-Lee-2");
        check("", "");
        // The letters' first and last, and what lies beside them.
        check("À¿ɏɐ|ḀỿἀʰḾ×÷", "AyAyM");
        assert!(matches!(ascii("Ayda7"), std::borrow::Cow::Borrowed("Ayda7")));
    }

    #[test]
    fn the_tables_are_the_library_s() {
        assert_eq!((LATIN.len(), LATIN_ADDITIONAL.len()), (2 * ('ɏ' as usize - 'À' as usize + 1), 2 * 256));
        for c in '\u{80}'..'\u{2100}' {
            let is_latin = matches!(c, 'À'..='ɏ' | 'Ḁ'..='ỿ') && c.is_alphabetic();
            let expected = if is_latin { deunicode_char(c).unwrap_or_default() } else { "" };
            let expected: String = expected.chars().filter(char::is_ascii_alphanumeric).collect();
            assert_eq!(base(c), expected, "{c}");
        }
    }
}
